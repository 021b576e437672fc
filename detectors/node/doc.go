// Package node compares networks as detectors/tfjs reads them with TensorFlow.js
// itself, on its plain JavaScript backend in Node, on a real picture. All of it is
// a test, which is run by hand: docs/testing.md has the command.
package node
