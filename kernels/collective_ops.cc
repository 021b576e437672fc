// The gradient of TensorFlow's all-reduce, which TensorFlow's C++ lacks.

#include <vector>

#include "tensorflow/cc/framework/grad_op_registry.h"
#include "tensorflow/cc/framework/scope.h"
#include "tensorflow/core/framework/tensor.h"
#include "tensorflow/core/graph/graph.h"
#include "tensorflow/core/graph/node_builder.h"

namespace prioritycut {
namespace kernels {
namespace {

// Keys of gradients begin this far from those of what they are gradients of.
constexpr int kGradientKeys = 1 << 24;

// A key that no other reduction of the graph has. It is the same in every
// replica, since all build the same graph.
int GradientKey(const tensorflow::Graph& graph) {
  int key = kGradientKeys;
  for (const tensorflow::Node* node : graph.op_nodes()) {
    if (node->type_string() == "CollectiveReduceV2") ++key;
  }
  return key;
}

absl::Status Finish(const tensorflow::Scope& scope,
                    tensorflow::NodeBuilder* builder, tensorflow::Node** node) {
  scope.UpdateBuilder(builder);
  scope.UpdateStatus(builder->Finalize(scope.graph(), node));
  if (!scope.ok()) return scope.status();
  scope.UpdateStatus(scope.DoShapeInference(*node));
  return scope.status();
}

// What all replicas together minimise depends on each one's input by the sum
// of their outputs' gradients: an all-reduce again.
absl::Status ReduceGradient(const tensorflow::Scope& scope,
                            const tensorflow::Operation& op,
                            const std::vector<tensorflow::Output>& dy,
                            std::vector<tensorflow::Output>* gradients) {
  const tensorflow::AttrSlice attributes = op.node()->attrs();
  tensorflow::Node *key, *reduced;
  tensorflow::NodeBuilder constant(scope.GetUniqueNameForOp("Const"), "Const");
  constant.Attr("dtype", tensorflow::DT_INT32)
      .Attr("value", tensorflow::Tensor(GradientKey(*scope.graph())));
  TF_RETURN_IF_ERROR(Finish(scope, &constant, &key));
  tensorflow::NodeBuilder reduce(scope.GetUniqueNameForOp("CollectiveReduceV2"),
                                 "CollectiveReduceV2");
  reduce.Input(dy[0].node(), dy[0].index())
      .Input(op.input(1).node(), op.input(1).index())
      .Input(op.input(2).node(), op.input(2).index())
      .Input(key, 0)
      .Input(std::vector<tensorflow::NodeBuilder::NodeOut>());
  for (const char* name :
       {"merge_op", "final_op", "communication_hint", "timeout_seconds"}) {
    reduce.Attr(name, *attributes.Find(name));
  }
  TF_RETURN_IF_ERROR(Finish(scope, &reduce, &reduced));
  *gradients = {tensorflow::Output(reduced, 0), tensorflow::Output(nullptr, -1),
                tensorflow::Output(nullptr, -1),
                tensorflow::Output(nullptr, -1)};
  return absl::OkStatus();
}
REGISTER_GRADIENT_OP("CollectiveReduceV2", ReduceGradient);

}  // namespace
}  // namespace kernels
}  // namespace prioritycut
