// Package ablation trains the rows of the paper's ablation (Sec. 4.3, Table 4)
// on equal terms and compares them: the same data, the same numbers of steps,
// the same random draws per seed, several seeds.
//
// Every run is an ordinary run folder, trained in a process of its own, since
// settings and memory of TensorFlow belong to a process as a whole. Runs go
// seed by seed, so that whatever moment an ablation is stopped at, the rows
// that are there can be compared. The same command goes on.
package ablation
