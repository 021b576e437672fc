package tfrecord

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// The field numbers of tf.train.Example and what is in it. A map is a repeated
// message of key and value.
const (
	exampleFeatures = 1
	featuresFeature = 1
	entryKey        = 1
	entryValue      = 2
	featureBytes    = 1
	listValue       = 1
)

// maxFeatures bounds the features of an example; a trajectory of the robot
// pushing set has 120.
const maxFeatures = 1 << 16

// Bytes returns the features of a serialized tf.train.Example that are lists of
// bytes, by name. The byte slices are parts of data. Features of numbers are
// left out. What is no such message is an error.
func Bytes(data []byte) (map[string][][]byte, error) {
	found := map[string][][]byte{}
	err := each(data, exampleFeatures, func(features []byte) error {
		return each(features, featuresFeature, func(entry []byte) error {
			if len(found) >= maxFeatures {
				return fmt.Errorf("more than %d features", maxFeatures)
			}
			return readFeature(entry, found)
		})
	})
	if err != nil {
		return nil, fmt.Errorf("not a tf.train.Example: %w", err)
	}
	return found, nil
}

// readFeature adds one entry of the map of features.
func readFeature(entry []byte, found map[string][][]byte) error {
	var name string
	var values [][]byte
	isBytes := false
	err := each(entry, entryKey, func(key []byte) error { name = string(key); return nil })
	if err != nil {
		return err
	}
	err = each(entry, entryValue, func(feature []byte) error {
		return each(feature, featureBytes, func(list []byte) error {
			isBytes = true
			return each(list, listValue, func(v []byte) error { values = append(values, v); return nil })
		})
	})
	if err == nil && isBytes {
		found[name] = values
	}
	return err
}

// each calls visit for every field of a number that has a length, and passes
// over all others.
func each(message []byte, number protowire.Number, visit func([]byte) error) error {
	for len(message) > 0 {
		num, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return protowire.ParseError(n)
		}
		message = message[n:]
		if num != number || kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(num, kind, message); n < 0 {
				return protowire.ParseError(n)
			}
			message = message[n:]
			continue
		}
		value, n := protowire.ConsumeBytes(message)
		if n < 0 {
			return errors.Join(errors.New("a field is cut off"), protowire.ParseError(n))
		}
		if err := visit(value); err != nil {
			return err
		}
		message = message[n:]
	}
	return nil
}
