// The gradient of TensorFlow's all-reduce, which TensorFlow's C++ lacks.

#include <vector>

#include "kernels/op_gradient.h"
#include "tensorflow/cc/framework/grad_op_registry.h"
#include "tensorflow/core/framework/node_def_util.h"

namespace prioritycut {
namespace kernels {
namespace {

// What all replicas together minimise depends on each one's input by the sum
// of their outputs' gradients: an all-reduce again.
absl::Status ReduceGradient(const tensorflow::Scope& scope,
                            const tensorflow::Operation& op,
                            const std::vector<tensorflow::Output>& dy,
                            std::vector<tensorflow::Output>* gradients) {
  float timeout;
  TF_RETURN_IF_ERROR(
      GetNodeAttr(op.node()->attrs(), "timeout_seconds", &timeout));
  tensorflow::Node* reduced;
  TF_RETURN_IF_ERROR(
      AddReduction(scope, dy[0], op.input(1), op.input(2), timeout, &reduced));
  *gradients = {tensorflow::Output(reduced, 0), tensorflow::Output(nullptr, -1),
                tensorflow::Output(nullptr, -1),
                tensorflow::Output(nullptr, -1)};
  return absl::OkStatus();
}
REGISTER_GRADIENT_OP("CollectiveReduceV2", ReduceGradient);

}  // namespace
}  // namespace kernels
}  // namespace prioritycut
