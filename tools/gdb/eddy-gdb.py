# Eddy in gdb: heaps, objects, threads and logs of a running program or a core file.
#
#   (gdb) source tools/gdb/eddy-gdb.py
#   (gdb) eddy heap [HEAP]        what the heap holds: blocks by state, objects by type
#   (gdb) eddy object ADDRESS     the object that contains an address: type, count, owner, references
#   (gdb) eddy threads [HEAP]     the threads attached, their states and epochs
#   (gdb) eddy log NUMBER [N]     the last N (default 16) entries of both logs of a thread, newest last
#
# HEAP is an expression of type eddy_heap *; without it the heap of the records that the program's threads have is taken, the
# selected thread's first. Printers: struct block, struct thread, eddy_type, eddy_heap. Everything is read from memory;
# nothing is called in the program, and nothing needs it to be at a safe point: what is in flux is shown as it is. Needs
# libeddy's debug information, and libthread_db for finding the heap.
import gdb

BLOCK_SHIFT, FIRST_CELL = 15, 8  # runtime/heap/sizeclass.h
COUNT_OVERFLOW, COUNT_PERMANENT, COUNT_DYING, COUNT_MASK, COUNT_FLAGGED = 125, 126, 127, 127, 128  # runtime/heap/block.h
HEADER_SIZE, TAG_SHIFT, OWNER_SHIFT = 8, 24, 48  # include/eddy/layout.h, runtime/heap/heap.h
ENTRY_MASK, ENTRY_RETAIN, ENTRY_COUNTED = 15, 1, 2  # runtime/heap/log.h
KINDS = ["leaf", "acyclic", "cyclic"]
REFS_SHOWN = 32


def type_named(name):
    return gdb.lookup_type(name)


def pointer_to(name):
    return type_named(name).pointer()


def address(value):
    return int(value) & 0xFFFFFFFFFFFFFFFF


def word_at(at):
    return int(gdb.Value(at).cast(pointer_to("unsigned long")).dereference())


def block_state_name(state):
    name = str(gdb.Value(int(state)).cast(type_named("enum block_state")))
    return name.replace("BLOCK_", "").lower()


# ---- heaps ----

def attachment_heaps():
    """The heaps of all threads' attachments, the selected thread's first."""
    selected = gdb.selected_thread()
    if selected is None:
        return []
    threads = [selected] + [t for t in gdb.selected_inferior().threads() if t.num != selected.num]
    heaps = []
    try:
        for thread in threads:
            thread.switch()
            try:
                at = gdb.parse_and_eval("'thread.c'::attachments")
            except gdb.error:
                at = gdb.lookup_static_symbol("attachments").value()
            while address(at) != 0:
                heap = at["thread"]["heap"]
                if address(heap) not in [address(h) for h in heaps]:
                    heaps.append(heap)
                at = at["next"]
    except (gdb.error, AttributeError):
        pass  # without libthread_db, or before the thread has any
    finally:
        selected.switch()
    return heaps


def find_heap(argument):
    if argument:
        return gdb.parse_and_eval(argument).cast(pointer_to("struct eddy_heap"))
    heaps = attachment_heaps()
    if not heaps:
        raise gdb.GdbError("no thread is attached to a heap; give an expression of type eddy_heap *")
    return heaps[0]


def each_thread(heap):
    t = heap["threads"]
    while address(t) != 0:
        yield t
        t = t["next"]


def life_name(t):
    return str(t["life"]).replace("RECORD_", "").lower()


# ---- blocks and objects ----

class Block:
    def __init__(self, heap, number):
        self.heap, self.number = heap, number
        self.entry = heap["blocks"][number]
        self.start = address(heap["base"]) + (number << BLOCK_SHIFT)
        self.state = block_state_name(self.entry["state"])
        self.cell, self.cells = int(self.entry["cell"]), int(self.entry["cells"])

    def holds_objects(self):
        return self.state in ("young", "partial", "full", "large")

    def object(self, cell):
        return self.start + FIRST_CELL + HEADER_SIZE + cell * self.cell

    def object_bytes(self):
        whole = self.cell if self.cell else int(self.entry["bytes"]) - FIRST_CELL
        return whole - HEADER_SIZE

    def counts(self):
        if address(self.entry["counts"]) == 0 or self.cells == 0:
            return b""
        return bytes(gdb.selected_inferior().read_memory(address(self.entry["counts"]), self.cells))


def touched_blocks(heap):
    for number in range(int(heap["blocks_touched"])):
        yield Block(heap, number)


def header_of(obj):
    return word_at(obj - HEADER_SIZE)


def type_of(heap, header):
    number = header & 0xFFFF
    if number == 0 or number >= int(heap["type_count"]):
        return None
    return heap["types"][number]


def type_name(t):
    return t["name"].string(errors="replace") if t is not None else "?"


def locate(heap, at):
    """The block and cell that contain an address, or None."""
    offset = at - address(heap["base"])
    if offset < 0 or offset >= int(heap["range"]):
        return None
    block = Block(heap, offset >> BLOCK_SHIFT)
    if block.state == "large_rest":
        block = Block(heap, int(block.entry["next"]))
    if not block.holds_objects():
        return block, None
    offset = at - block.start - FIRST_CELL - HEADER_SIZE
    if offset < 0:
        return block, None
    cell = offset // block.cell if block.cell else 0
    inside = offset - cell * block.cell < block.object_bytes()
    return block, cell if cell < block.cells and inside else None


def overflowed(heap, obj):
    table = heap["collector"]["overflow"]
    for i in range(int(table["room"])):
        if address(table["entries"][i]["object"]) == obj:
            return int(table["entries"][i]["value"])
    return None


def describe_count(heap, obj, byte):
    count = byte & COUNT_MASK
    if byte == 0:
        text = "none: private or free"
    elif count == COUNT_DYING:
        text = "dying"
    elif count == COUNT_PERMANENT:
        text = "permanent"
    elif count == COUNT_OVERFLOW:
        text = "%s (in the overflow table)" % overflowed(heap, obj)
    else:
        text = str(count)
    return text + (", flagged" if byte & COUNT_FLAGGED else "")


def describe_header(header):
    if header >> TAG_SHIFT == 0:
        return "counted"
    return "private to thread %d, generation %d" % (header >> OWNER_SHIFT, header >> TAG_SHIFT & 0xFFFFFF)


def fields_of(block, obj, t):
    """Offsets of the reference fields; None if only a trace callback knows them."""
    if address(t["trace"]) != 0:
        return None
    offsets = [int(t["offsets"][i]) for i in range(int(t["offset_count"]))]
    if str(t["tail"]) == "EDDY_TAIL_REFS":
        size = int(t["size"])
        length = min(word_at(obj + int(t["length_offset"])), (block.object_bytes() - size) // 8)
        offsets += [size + 8 * i for i in range(length)]
    return offsets


def name_at(heap, at):
    found = locate(heap, at)
    if found is None or found[1] is None:
        return "no object"
    return type_name(type_of(heap, header_of(at)))


# ---- commands ----

class EddyCommand(gdb.Command):
    """Looks into Eddy's heaps: eddy heap, eddy object, eddy threads, eddy log."""

    def __init__(self):
        super().__init__("eddy", gdb.COMMAND_DATA, prefix=True)


class HeapCommand(gdb.Command):
    """eddy heap [HEAP]: what the heap holds, by the state of blocks and by type."""

    def __init__(self):
        super().__init__("eddy heap", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        heap = find_heap(argument)
        states, types = {}, {}
        for block in touched_blocks(heap):
            states[block.state] = states.get(block.state, 0) + 1
            if not block.holds_objects():
                continue
            for cell, byte in enumerate(block.counts()):
                if byte == 0:
                    continue
                obj = block.object(cell)
                name = type_name(type_of(heap, header_of(obj)))
                objects, used = types.get(name, (0, 0))
                types[name] = (objects + 1, used + (block.cell or int(block.entry["bytes"])))
        limit = int(heap["heap_limit"])
        print("heap %s at %#x: epoch %d, processed %d" % (heap["name"].string(), address(heap), int(heap["epoch"]), int(heap["processed"])))
        print("range %#x, %d KiB; committed %d KiB, overhead %d KiB, limit %s" % (
            address(heap["base"]), int(heap["range"]) >> 10, int(heap["committed"]) >> 10, int(heap["overhead"]) >> 10,
            "none" if limit == 0xFFFFFFFFFFFFFFFF else "%d KiB" % (limit >> 10)))
        print("blocks: " + ", ".join("%d %s" % (states[s], s) for s in sorted(states)))
        print("counted objects:")
        for name, (objects, used) in sorted(types.items(), key=lambda item: -item[1][1]):
            print("  %9d %12d bytes  %s" % (objects, used, name))


class ObjectCommand(gdb.Command):
    """eddy object ADDRESS: the object that contains an address."""

    def __init__(self):
        super().__init__("eddy object", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        if not argument:
            raise gdb.GdbError("eddy object ADDRESS")
        at = address(gdb.parse_and_eval(argument))
        for heap in attachment_heaps():
            found = locate(heap, at)
            if found is not None:
                self.show(heap, at, *found)
                return
        raise gdb.GdbError("%#x lies in no heap" % at)

    def show(self, heap, at, block, cell):
        kind = " " + KINDS[int(block.entry["kind"])] if block.holds_objects() else ""
        where = "block %d (%s%s)" % (block.number, block.state, kind)
        if cell is None:
            print("%#x: no object; %s" % (at, where))
            return
        obj = block.object(cell)
        header = header_of(obj)
        t = type_of(heap, header)
        print("object %#x%s of type %s, %d bytes" % (obj, "" if at == obj else " + %d" % (at - obj), type_name(t), block.object_bytes()))
        print("  %s, cell %d" % (where, cell))
        print("  header %#x: %s" % (header, describe_header(header)))
        print("  count: %s" % describe_count(heap, obj, block.counts()[cell]))
        offsets = [] if t is None else fields_of(block, obj, t)
        if offsets is None:
            print("  references: known to its trace callback only")
            return
        for offset in offsets[:REFS_SHOWN]:
            value = word_at(obj + offset)
            print("  +%d: %s" % (offset, "null" if value == 0 else "%#x %s" % (value, name_at(heap, value))))
        if len(offsets) > REFS_SHOWN:
            print("  and %d more references" % (len(offsets) - REFS_SHOWN))


def thread_line(t):
    word = int(t["word"])
    state = "native" if word & 3 else "running"
    frames, frame = 0, t["frames"]
    while address(frame) != 0:
        frames, frame = frames + 1, frame["previous"]
    return "thread %d: %s, tid %d, %s, epoch %d, generation %d, %d frames of handles" % (
        int(t["number"]), life_name(t), int(t["tid"]), state, word >> 24, int(t["generation"]), frames)


class ThreadsCommand(gdb.Command):
    """eddy threads [HEAP]: the thread records of a heap."""

    def __init__(self):
        super().__init__("eddy threads", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        heap = find_heap(argument)
        for t in each_thread(heap):
            owes = life_name(t) == "attached" and int(t["word"]) >> 24 != int(heap["epoch"])
            print(thread_line(t) + (", owes a handshake" if owes else ""))


def log_entries(log):
    """What the collector has not consumed yet, oldest first."""
    entries, chunk, at = [], log["head"], address(log["read"])
    end = address(log["next"])
    while address(chunk) != 0:
        last = address(chunk) == address(log["chunk"])
        stop = end if last else address(chunk["end"])
        while at < stop:
            entries.append(word_at(at))
            at += 8
        if last:
            break
        chunk = chunk["next"]
        at = address(chunk["entries"].address) if address(chunk) != 0 else 0
    return entries


class LogCommand(gdb.Command):
    """eddy log NUMBER [N]: the last N entries of a thread's logs that the collector has not applied."""

    def __init__(self):
        super().__init__("eddy log", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        words = gdb.string_to_argv(argument)
        if len(words) not in (1, 2):
            raise gdb.GdbError("eddy log NUMBER [N]")
        number = int(words[0], 0)
        shown = int(words[1], 0) if len(words) == 2 else 16
        for heap in attachment_heaps():
            for t in each_thread(heap):
                if int(t["number"]) == number:
                    self.show(heap, t, shown)
                    return
        raise gdb.GdbError("there is no thread %d" % number)

    def show(self, heap, t, shown):
        for name in ("inc", "dec"):
            entries = log_entries(t[name])
            print("%s log of thread %d: %d entries not applied" % (name, int(t["number"]), len(entries)))
            for entry in entries[-shown:] if shown > 0 else []:
                obj = entry & ~ENTRY_MASK
                marks = (" retain" if entry & ENTRY_RETAIN else "") + (" counted" if entry & ENTRY_COUNTED else "")
                print("  %#x %s%s" % (obj, name_at(heap, obj), marks))


# ---- printers ----

class BlockPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        b = self.value
        state = block_state_name(b["state"])
        if state not in ("young", "partial", "full", "large"):
            return "block {%s}" % state
        size = "%d bytes" % int(b["bytes"]) if state == "large" else "%d cells of %d bytes" % (int(b["cells"]), int(b["cell"]))
        return "block {%s, %s, %s, %d live, birth %d}" % (state, KINDS[int(b["kind"])], size, int(b["live"]), int(b["birth"]))


class ThreadPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        return "{" + thread_line(self.value) + "}"


class HeapPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        h = self.value
        name = h["name"].string() if address(h["name"]) else "?"
        return "heap {%s, epoch %d, %d KiB committed, %d threads}" % (name, int(h["epoch"]), int(h["committed"]) >> 10, int(h["attached"]))


class TypePrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        t = self.value.address.cast(pointer_to("struct type")).dereference() if self.value.address else None
        return "type {?}" if t is None else "type {%s, %d bytes, %d reference fields}" % (type_name(t), int(t["size"]), int(t["offset_count"]))


PRINTERS = {"block": BlockPrinter, "thread": ThreadPrinter, "eddy_heap": HeapPrinter, "eddy_type": TypePrinter}


def lookup_printer(value):
    t = value.type.unqualified().strip_typedefs()
    if t.code == gdb.TYPE_CODE_STRUCT and t.tag in PRINTERS:
        return PRINTERS[t.tag](value)
    return None


lookup_printer.name = "eddy"
gdb.pretty_printers[:] = [p for p in gdb.pretty_printers if getattr(p, "name", "") != "eddy"] + [lookup_printer]
for command in (EddyCommand, HeapCommand, ObjectCommand, ThreadsCommand, LogCommand):
    command()
