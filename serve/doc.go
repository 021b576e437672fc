// Package serve puts trained models behind HTTP: TensorFlow Serving's REST
// interface for the signatures of a SavedModel, jobs that animate an uploaded
// picture after an uploaded film, metrics for Prometheus, and one web page for
// people. docs/serve.md lists the paths with examples.
//
// # Hostile input
//
// Everything that comes over the network is bounded before memory or disk is
// given to it: headers, bodies, numbers of a tensor, pixels that a picture
// claims, frames of a film, jobs, connections. What a file is, is told by its
// bytes; its name is never looked at. Tensors are compared with the signature
// before TensorFlow, which ends the process on some mistakes, sees them.
// Whoever stops sending or reading is cut off. A browser's requests are
// answered only when they come from the server's own page and name a host that
// is the server's, so that other web sites cannot use a server on localhost.
// There are no accounts: who lets others in puts a proxy with passwords and TLS
// before it. Films are decoded by ffmpeg in the same machine; see the package
// video.
package serve
