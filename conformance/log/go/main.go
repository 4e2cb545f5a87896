// Checks a log's files with golang.org/x/mod/sumdb, which knows nothing of Lydian.
//
//	main DIR VKEY [OLDSIZE...]
//
// It opens the checkpoint with the key, lets tlog's own reader authenticate tiles, recomputes the root of every
// old size that is given and proves it to be a prefix, reads every entry, and checks each entry's record proof
// (all of them in small logs, every 997th in large ones). Any refusal ends it with status 1.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// files reads the log's tiles; sumdb's paths hold the tile's height, ours do not.
type files struct {
	dir   string
	saved int
}

func (f *files) Height() int { return 8 }

func (f *files) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(f.dir, path))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func (f *files) SaveTiles(tiles []tlog.Tile, data [][]byte) { f.saved += len(tiles) }

func check(err error, what string) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "refused: %s: %v\n", what, err)
		os.Exit(1)
	}
}

// numbered is a path in groups of three digits.
func numbered(n int64) string {
	path := fmt.Sprintf("%03d", n%1000)
	for n >= 1000 {
		n /= 1000
		path = fmt.Sprintf("x%03d/%s", n%1000, path)
	}
	return path
}

// entries reads a bundle of width entries.
func entries(dir string, index, width int64) [][]byte {
	path := filepath.Join(dir, "tile/entries", numbered(index))
	if width < 256 {
		path += fmt.Sprintf(".p/%d", width)
	}
	data, err := os.ReadFile(path)
	check(err, "entries")
	var all [][]byte
	for len(data) >= 2 {
		length := int(binary.BigEndian.Uint16(data))
		if len(data) < 2+length {
			break
		}
		all = append(all, data[2:2+length])
		data = data[2+length:]
	}
	if len(data) != 0 || int64(len(all)) != width {
		check(fmt.Errorf("%d entries, %d bytes more", len(all), len(data)), path)
	}
	return all
}

func main() {
	dir := os.Args[1]
	verifier, err := note.NewVerifier(os.Args[2])
	check(err, "key")
	data, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	check(err, "checkpoint")
	opened, err := note.Open(data, note.VerifierList(verifier))
	check(err, "checkpoint")
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		check(fmt.Errorf("%q", opened.Text), "checkpoint text")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err, "size")
	root, err := base64.StdEncoding.DecodeString(lines[2])
	check(err, "root")
	tree := tlog.Tree{N: size}
	copy(tree.Hash[:], root)
	if size == 0 {
		fmt.Println("accepted: an empty log")
		return
	}
	reader := &files{dir: dir}
	hashes := tlog.TileHashReader(tree, reader)
	again, err := tlog.TreeHash(size, hashes)
	check(err, "root from tiles")
	if again != tree.Hash {
		check(fmt.Errorf("tiles give %v", again), "root from tiles")
	}
	for _, text := range os.Args[3:] {
		old, err := strconv.ParseInt(text, 10, 64)
		check(err, "old size")
		oldRoot, err := tlog.TreeHash(old, hashes)
		check(err, "old root")
		proof, err := tlog.ProveTree(size, old, hashes)
		check(err, "consistency proof")
		check(tlog.CheckTree(proof, size, tree.Hash, old, oldRoot), "consistency")
	}
	step := int64(1)
	if size > 2000 {
		step = 997
	}
	records := 0
	for bundle := int64(0); bundle*256 < size; bundle++ {
		width := size - bundle*256
		if width > 256 {
			width = 256
		}
		for place, entry := range entries(dir, bundle, width) {
			index := bundle*256 + int64(place)
			hash := tlog.RecordHash(entry)
			stored, err := hashes.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
			check(err, fmt.Sprintf("hash of entry %d", index))
			if stored[0] != hash {
				check(fmt.Errorf("another hash in its tile"), fmt.Sprintf("entry %d", index))
			}
			if index%step == 0 || index == size-1 {
				proof, err := tlog.ProveRecord(size, index, hashes)
				check(err, "record proof")
				check(tlog.CheckRecord(proof, size, tree.Hash, index, hash), fmt.Sprintf("entry %d", index))
				records++
			}
		}
	}
	fmt.Printf("accepted: %d entries, %d record proofs, %d old sizes, %d tiles\n", size, records, len(os.Args)-3, reader.saved)
}
