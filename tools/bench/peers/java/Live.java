/* The live heap of live_mb: as many objects as eddy-bench makes, 32768 to a megabyte. */
final class Live {
    private static final class Link {
        Link next, beyond;
        long value;
    }

    private static final int CHAINS = 1024, LINK_BYTES = 32;
    private final Link[] chains = new Link[CHAINS];

    Live(int megabytes) {
        long length = ((long) megabytes << 20) / LINK_BYTES / CHAINS;
        for (int chain = 0; chain < CHAINS; chain++) {
            Link head = null;
            for (long i = 0; i < length; i++) {
                Link link = new Link();
                link.value = i + chain;
                if (head != null)
                    link.beyond = head.next;
                link.next = head;
                head = link;
            }
            chains[chain] = head;
        }
    }

    long check() {
        long sum = 0;
        for (Link head : chains)
            for (Link link = head; link != null; link = link.next)
                sum = sum * 31 + link.value + (link.beyond == null ? 0 : link.beyond.value);
        return sum;
    }
}
