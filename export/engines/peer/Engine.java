import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.Result;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.SessionFunction;
import org.tensorflow.Tensor;
import org.tensorflow.TensorFlow;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.types.TFloat32;

/**
 * Calls signatures of a SavedModel by TensorFlow's Java library: Engine MODEL CALLS SECONDS, as
 * engine.cc. Prints "version VERSION" first.
 */
final class Engine {
  private record Call(String name, Map<String, Tensor> inputs, Map<String, Path> outputs) {}

  private static List<Call> read(Path path) throws Exception {
    List<Call> calls = new ArrayList<>();
    for (String line : Files.readAllLines(path)) {
      String[] words = line.split(" ");
      if (words[0].equals("signature")) {
        calls.add(new Call(words[1], new LinkedHashMap<>(), new LinkedHashMap<>()));
        continue;
      }
      Call call = calls.get(calls.size() - 1);
      if (words[0].equals("out")) {
        call.outputs.put(words[1], Path.of(words[2]));
        continue;
      }
      long[] dims = Arrays.stream(words).skip(3).mapToLong(Long::parseLong).toArray();
      var values = ByteBuffer.wrap(Files.readAllBytes(Path.of(words[2])))
          .order(ByteOrder.nativeOrder()).asFloatBuffer();
      call.inputs.put(words[1], TFloat32.tensorOf(Shape.of(dims), DataBuffers.of(values)));
    }
    return calls;
  }

  private static void write(Tensor value, Path path) throws Exception {
    var floats = (TFloat32) value;
    var bytes = ByteBuffer.allocate((int) floats.size() * 4).order(ByteOrder.nativeOrder());
    floats.scalars().forEach(scalar -> bytes.putFloat(scalar.getFloat()));
    Files.write(path, bytes.array());
  }

  public static void main(String[] args) throws Exception {
    System.out.println("version " + TensorFlow.version());
    double seconds = Double.parseDouble(args[2]);
    try (SavedModelBundle model = SavedModelBundle.load(args[0], "serve")) {
      for (Call call : read(Path.of(args[1]))) {
        SessionFunction function = model.function(call.name);
        try (Result result = function.call(call.inputs)) {
          for (var output : call.outputs.entrySet()) {
            write(result.get(output.getKey()).orElseThrow(), output.getValue());
          }
        }
        List<Double> times = new ArrayList<>();
        long end = System.nanoTime() + (long) (1e9 * seconds);
        do {
          long begun = System.nanoTime();
          function.call(call.inputs).close();
          times.add((System.nanoTime() - begun) / 1e6);
        } while (System.nanoTime() < end && times.size() < 50);
        Collections.sort(times);
        System.out.println("ms " + call.name + " " + times.get(times.size() / 2));
      }
    }
  }
}
