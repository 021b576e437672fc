// Package filename keeps names that are made of others short enough for file
// systems, which take 255 bytes; titles of films have up to that many already.
package filename

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Longest is how many bytes a name may have that may get a number and an
// extension.
const Longest = 200

// Cut shortens a text to n bytes at most, at a letter's border.
func Cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

// Sum is a few letters that tell a name from others that begin alike.
func Sum(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:4])
}
