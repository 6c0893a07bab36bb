## xorshift64*, spreading the bits of a number, and NAME=NUMBER parameters.

type Random* = object
  state*: uint64

func next*(r: var Random): uint64 {.inline.} =
  var x = r.state
  x = x xor (x shr 12)
  x = x xor (x shl 25)
  x = x xor (x shr 27)
  r.state = x
  x * 0x2545f4914f6cdd1d'u64

func mix*(number: uint64): uint64 {.inline.} =
  var x = number
  x = (x xor (x shr 30)) * 0xbf58476d1ce4e5b9'u64
  x = (x xor (x shr 27)) * 0x94d049bb133111eb'u64
  x xor (x shr 31)

func initRandom*(index: int): Random = Random(state: mix(uint64(index) + 1))
