/* NAME=NUMBER arguments; one that nobody asks for is an error. */
import java.util.LinkedHashMap;
import java.util.Map;

final class Params {
    private final Map<String, Long> values = new LinkedHashMap<>();

    Params(String[] arguments) {
        for (int i = 1; i < arguments.length; i++) {
            String[] parts = arguments[i].split("=", 2);
            if (parts.length != 2 || !parts[1].matches("[0-9]{1,18}"))
                throw new IllegalArgumentException("an argument must be NAME=NUMBER, not '" + arguments[i] + "'");
            values.put(parts[0], Long.parseLong(parts[1]));
        }
    }

    long get(String name, long initial) {
        Long value = values.remove(name);
        return value == null ? initial : value;
    }

    void checkAllUsed() {
        for (String name : values.keySet())
            throw new IllegalArgumentException("unknown parameter '" + name + "'");
    }
}
