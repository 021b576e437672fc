// Package config turns presets, YAML files and command lines into one checked
// tree of settings.
//
// A configuration is built in layers, later ones win: a preset, the recipe of
// --init_from, a YAML file with the reference's keys, key=value settings, flags
// of their own. The variant then decides what belongs to it: the kind of
// discriminator, generator_gan, discriminator_gan and whether the consistency
// loss acts. [Resolve] does all of it and validates the result before anything
// is allocated; [Config.Marshal] and [Load] write and read the
// resolved file that a run keeps, [DiffForResume] says what may change when
// a run goes on, [Docs] documents every key.
//
// # Hostile input
//
// Files and settings may come from strangers. Their size, nesting and number of
// nodes are bounded, decoding is directed by the tree's types (aliases cannot
// blow it up), unknown and doubled keys are errors, and numbers must be finite
// and within documented bounds.
package config
