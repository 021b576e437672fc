// What the gradients of our ops are built with.

#ifndef PRIORITYCUT_KERNELS_OP_GRADIENT_H_
#define PRIORITYCUT_KERNELS_OP_GRADIENT_H_

#include <string>
#include <vector>

#include "tensorflow/cc/framework/scope.h"
#include "tensorflow/core/framework/node_def_builder.h"
#include "tensorflow/core/framework/tensor.h"
#include "tensorflow/core/graph/graph.h"
#include "tensorflow/core/graph/node_builder.h"

namespace prioritycut {
namespace kernels {

inline absl::Status Finish(const tensorflow::Scope& scope,
                           tensorflow::NodeBuilder* builder,
                           tensorflow::Node** node) {
  scope.UpdateBuilder(builder);
  scope.UpdateStatus(builder->Finalize(scope.graph(), node));
  if (!scope.ok()) return scope.status();
  scope.UpdateStatus(scope.DoShapeInference(*node));
  return scope.status();
}

// Adds an op to the graph, with some of the attributes of the one that is
// differentiated.
inline absl::Status AddNode(const tensorflow::Scope& scope, const char* op,
                            const std::vector<tensorflow::Output>& inputs,
                            const tensorflow::AttrSlice& from,
                            const std::vector<std::string>& attributes,
                            tensorflow::Node** node) {
  tensorflow::NodeBuilder builder(scope.GetUniqueNameForOp(op), op);
  for (const tensorflow::Output& input : inputs) {
    builder.Input(input.node(), input.index());
  }
  for (const std::string& name : attributes) {
    builder.Attr(name, *from.Find(name));
  }
  return Finish(scope, &builder, node);
}

// Adds the sum of x over the processes of a group. Its key is one that no other
// reduction of the graph has, and the same in every process, since all build
// the same graph: keys of gradients begin far from those of what they are
// gradients of.
inline absl::Status AddReduction(const tensorflow::Scope& scope,
                                 const tensorflow::Output& x,
                                 const tensorflow::Output& group_size,
                                 const tensorflow::Output& group_key,
                                 float timeout_seconds,
                                 tensorflow::Node** node) {
  int value = 1 << 24;
  for (const tensorflow::Node* other : scope.graph()->op_nodes()) {
    if (other->type_string() == "CollectiveReduceV2") ++value;
  }
  tensorflow::Node* key;
  tensorflow::NodeBuilder constant(scope.GetUniqueNameForOp("Const"), "Const");
  constant.Attr("dtype", tensorflow::DT_INT32)
      .Attr("value", tensorflow::Tensor(value));
  TF_RETURN_IF_ERROR(Finish(scope, &constant, &key));
  tensorflow::NodeBuilder reduce(scope.GetUniqueNameForOp("CollectiveReduceV2"),
                                 "CollectiveReduceV2");
  reduce.Input(x.node(), x.index())
      .Input(group_size.node(), group_size.index())
      .Input(group_key.node(), group_key.index())
      .Input(key, 0)
      .Input(std::vector<tensorflow::NodeBuilder::NodeOut>())
      .Attr("merge_op", "Add")
      .Attr("final_op", "Id")
      .Attr("communication_hint", "ring")
      .Attr("timeout_seconds", timeout_seconds);
  return Finish(scope, &reduce, node);
}

}  // namespace kernels
}  // namespace prioritycut

#endif  // PRIORITYCUT_KERNELS_OP_GRADIENT_H_
