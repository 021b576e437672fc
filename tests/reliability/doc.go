// Package reliability tries what the programs promise about what may happen to
// them: kills, full disks, rot, signals, long lives. Its tests make a few tries
// of each promise; with PRIORITYCUT_RELIABILITY=long they make many and print a
// table (docs/testing.md).
package reliability
