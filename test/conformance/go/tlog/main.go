// Command tlog checks a log directory with Go's own checksum-database packages, which share no code with ours:
// the checkpoint's signature, every tile, every entry, an inclusion proof of each entry and, when an older
// checkpoint is given, that the log only grew.
//
//	go run . <log folder> <verifier key> [<older checkpoint file>]
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

// reader reads tiles of height 8 from our folder, whose paths leave out the height.
type reader struct {
	folder string
	size   int64
}

func (r reader) Height() int { return 8 }

func (r reader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(r.folder, path))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func (r reader) SaveTiles([]tlog.Tile, [][]byte) {}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

// openHead verifies a checkpoint and returns its tree head.
func openHead(path string, verifiers note.Verifiers) tlog.Tree {
	opened := must(note.Open(must(os.ReadFile(path)), verifiers))
	lines := strings.Split(opened.Text, "\n")
	root := must(base64.StdEncoding.DecodeString(lines[2]))
	tree := tlog.Tree{N: must(strconv.ParseInt(lines[1], 10, 64))}
	copy(tree.Hash[:], root)
	return tree
}

// entries reads all entry bundles in order.
func entries(folder string, size int64) [][]byte {
	var all [][]byte
	for index := int64(0); index*256 < size; index++ {
		width := min(256, int(size-index*256))
		path := tlog.Tile{H: 8, L: -1, N: index, W: width}.Path()
		path = strings.Replace(path, "tile/8/data/", "tile/entries/", 1)
		data := must(os.ReadFile(filepath.Join(folder, path)))
		for len(data) > 0 {
			length := int(binary.BigEndian.Uint16(data))
			all = append(all, data[2:2+length])
			data = data[2+length:]
		}
	}
	return all
}

func main() {
	folder := os.Args[1]
	verifiers := note.VerifierList(must(note.NewVerifier(os.Args[2])))
	tree := openHead(filepath.Join(folder, "checkpoint"), verifiers)
	hashes := tlog.TileHashReader(tree, reader{folder, tree.N})
	all := entries(folder, tree.N)
	if int64(len(all)) != tree.N {
		must(0, fmt.Errorf("%d entries in a log of %d", len(all), tree.N))
	}
	for index, entry := range all {
		proof := must(tlog.ProveRecord(tree.N, int64(index), hashes))
		leaf := tlog.RecordHash(entry)
		must(0, tlog.CheckRecord(proof, tree.N, tree.Hash, int64(index), leaf))
	}
	if len(os.Args) > 3 {
		old := openHead(os.Args[3], verifiers)
		proof := must(tlog.ProveTree(tree.N, old.N, hashes))
		must(0, tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash))
	}
	fmt.Printf("%d entries\n", tree.N)
}
