package config

import (
	"math"
	"strconv"
	"strings"

	"github.com/go-playground/validator/v10"
)

// LeastFree is what stays free on the store's disk in any case, in bytes: other
// programs of the host write to it as well.
const LeastFree = 2 << 30

// leastMax is the smallest budget that can be meant, in bytes.
const leastMax = 1 << 20

// units are those that a size can have; all are binary.
var units = map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}

// readSize reads a size like "500MiB", in bytes.
func readSize(text string) (int64, bool) {
	if len(text) < 4 {
		return 0, false
	}
	number, unit := text[:len(text)-3], units[text[len(text)-3:]]
	n, err := strconv.ParseInt(strings.TrimSuffix(number, " "), 10, 64)
	if err != nil || number[0] < '0' || unit == 0 || n > math.MaxInt64/unit {
		return 0, false
	}
	return n * unit, true
}

// readShare reads a share like "10%", from 0 to 90.
func readShare(text string) (int64, bool) {
	digits, ok := strings.CutSuffix(text, "%")
	n, err := strconv.ParseUint(digits, 10, 8)
	return int64(n), ok && err == nil && digits[0] != '+' && n <= 90
}

// isBudget reports whether a field is a size that a store can live within.
func isBudget(f validator.FieldLevel) bool {
	n, ok := readSize(f.Field().String())
	return ok && n >= leastMax
}

// isFree reports whether a field says what stays free of a disk.
func isFree(f validator.FieldLevel) bool {
	text := f.Field().String()
	if _, ok := readShare(text); ok {
		return true
	}
	n, ok := readSize(text)
	return ok && n >= LeastFree
}

// MaxBytes is what the days may take, in bytes.
func (s Store) MaxBytes() int64 {
	n, _ := readSize(s.MaxDisk)
	return n
}

// FreeBytes is what must stay free of a disk of so many bytes.
func (s Store) FreeBytes(disk int64) int64 {
	n, _ := readSize(s.MinFree)
	if share, ok := readShare(s.MinFree); ok {
		n = disk / 100 * share
	}
	return max(n, LeastFree)
}
