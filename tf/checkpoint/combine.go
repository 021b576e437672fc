package checkpoint

import "hash/crc32"

// joinSums is the checksum of two pieces, one behind the other, of which the
// second has n bytes: pieces are summed side by side, and none twice. A checksum
// is the remainder of a polynomial over GF(2); what follows multiplies the first
// one by x^8n.
func joinSums(first, second uint32, n int64) uint32 {
	return multiply(powerOfX(8*uint64(n)), first) ^ second
}

// one is the polynomial 1: the highest bit is the lowest power.
const one = uint32(1) << 31

// multiply is a times b modulo the polynomial of the checksum.
func multiply(a, b uint32) uint32 {
	product := uint32(0)
	for ; a != 0; a <<= 1 {
		if a&one != 0 {
			product ^= b
		}
		carry := b & 1
		b >>= 1
		if carry != 0 {
			b ^= crc32.Castagnoli
		}
	}
	return product
}

// powerOfX is x^n modulo the polynomial.
func powerOfX(n uint64) uint32 {
	power := one
	for square := one >> 1; n != 0; n >>= 1 {
		if n&1 != 0 {
			power = multiply(power, square)
		}
		square = multiply(square, square)
	}
	return power
}
