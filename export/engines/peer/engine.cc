// Calls signatures of a SavedModel by TensorFlow's C++ loader.
//
// engine MODEL CALLS SECONDS
//
// CALLS is a text: for each signature a line "signature NAME", lines
// "in KEY FILE DIM ..." and lines "out KEY FILE". Files hold float32 in the
// machine's order. Writes the outputs and prints "version VERSION", then
// "ms NAME MEDIAN" for each signature.
#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tensorflow/cc/saved_model/loader.h"
#include "tensorflow/core/framework/tensor.h"
#include "tensorflow/core/public/version.h"

namespace {

using Clock = std::chrono::steady_clock;

struct Call {
  std::string name;
  std::vector<std::pair<std::string, tensorflow::Tensor>> inputs;
  std::vector<std::string> keys, files;  // of outputs
};

std::vector<Call> ReadCalls(const std::string& path) {
  std::vector<Call> calls;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string what, key, file;
    words >> what >> key;
    if (what == "signature") {
      calls.push_back({key, {}, {}, {}});
      continue;
    }
    words >> file;
    if (what == "out") {
      calls.back().keys.push_back(key);
      calls.back().files.push_back(file);
      continue;
    }
    tensorflow::TensorShape shape;
    for (int64_t dim; words >> dim;) shape.AddDim(dim);
    tensorflow::Tensor value(tensorflow::DT_FLOAT, shape);
    std::ifstream(file, std::ios::binary)
        .read(static_cast<char*>(value.data()), value.TotalBytes());
    calls.back().inputs.emplace_back(key, value);
  }
  return calls;
}

void Check(const tensorflow::Status& status) {
  if (status.ok()) return;
  std::cerr << status.ToString() << "\n";
  std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  std::cout << "version " << TF_VERSION_STRING << "\n";
  const double seconds = std::stod(argv[3]);
  tensorflow::SavedModelBundle model;
  Check(tensorflow::LoadSavedModel({}, {}, argv[1], {"serve"}, &model));
  const auto& signatures = model.GetSignatures();
  for (Call& call : ReadCalls(argv[2])) {
    const auto& signature = signatures.at(call.name);
    for (auto& input : call.inputs) {
      input.first = signature.inputs().at(input.first).name();
    }
    std::vector<std::string> wanted;
    for (const auto& key : call.keys) {
      wanted.push_back(signature.outputs().at(key).name());
    }
    std::vector<tensorflow::Tensor> outputs;
    std::vector<double> times;
    Check(model.GetSession()->Run(call.inputs, wanted, {}, &outputs));
    const auto end = Clock::now() + std::chrono::duration<double>(seconds);
    do {
      const auto begun = Clock::now();
      Check(model.GetSession()->Run(call.inputs, wanted, {}, &outputs));
      times.push_back(
          std::chrono::duration<double, std::milli>(Clock::now() - begun)
              .count());
    } while (Clock::now() < end && times.size() < 50);
    for (size_t i = 0; i < outputs.size(); ++i) {
      std::ofstream(call.files[i], std::ios::binary)
          .write(static_cast<const char*>(outputs[i].data()),
                 outputs[i].TotalBytes());
    }
    std::sort(times.begin(), times.end());
    std::cout << "ms " << call.name << " " << times[times.size() / 2] << "\n";
  }
  return 0;
}
