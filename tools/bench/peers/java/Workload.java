/* A workload: made before the clock starts, its `work` run by every thread. */
import java.util.Map;

interface Workload {
    long work(int index);

    /* Adds figures of its own, after all threads have ended. */
    default void report(Map<String, Object> result) {
    }
}
