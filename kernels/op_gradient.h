// What the gradients of our ops are built with.

#ifndef PRIORITYCUT_KERNELS_OP_GRADIENT_H_
#define PRIORITYCUT_KERNELS_OP_GRADIENT_H_

#include <string>
#include <vector>

#include "tensorflow/cc/framework/scope.h"
#include "tensorflow/core/framework/node_def_builder.h"
#include "tensorflow/core/graph/node_builder.h"

namespace prioritycut {
namespace kernels {

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
  scope.UpdateBuilder(&builder);
  scope.UpdateStatus(builder.Finalize(scope.graph(), node));
  if (!scope.ok()) return scope.status();
  scope.UpdateStatus(scope.DoShapeInference(*node));
  return scope.status();
}

}  // namespace kernels
}  // namespace prioritycut

#endif  // PRIORITYCUT_KERNELS_OP_GRADIENT_H_
