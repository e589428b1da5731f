package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// SealOf is what stands in the file beside a sealed segment, NNNNNNNN.seal.
type SealOf struct {
	Segment uint64 `json:"segment"`
	Size    int64  `json:"size"`               // bytes covered; what a late writer added after them was written again in the next segment
	SHA256  string `json:"sha256"`             // of those bytes
	Prev    string `json:"previous,omitempty"` // SHA-256 of the previous seal file; it shows accidents and quiet edits
}

// Seal closes the newest segment when it holds at least limit bytes, and ends
// the sealing that a killed process left half done. Only the keeper may call
// it, under its lock. It reports whether a new segment was begun.
func Seal(dir string, limit int64) (bool, error) {
	found, err := segments(dir)
	if err != nil || len(found) == 0 {
		return false, err
	}
	for _, n := range found[:len(found)-1] {
		if err := finishSeal(dir, n); err != nil {
			return false, err
		}
	}
	newest := found[len(found)-1]
	path := filepath.Join(dir, segmentName(newest))
	info, err := os.Stat(path)
	if err != nil {
		return false, fmt.Errorf("seal segment %d: %w", newest, err)
	}
	if info.Size() < limit {
		return false, nil
	}
	next, err := os.OpenFile(filepath.Join(dir, segmentName(newest+1)), os.O_CREATE|os.O_WRONLY|os.O_APPEND, openMode)
	if err != nil {
		return false, fmt.Errorf("begin segment %d: %w", newest+1, err)
	}
	if err := next.Close(); err != nil {
		return false, fmt.Errorf("begin segment %d: %w", newest+1, err)
	}
	return true, finishSeal(dir, newest)
}

// finishSeal marks segment n as closed and writes its seal, each if not done yet.
func finishSeal(dir string, n uint64) error {
	path := filepath.Join(dir, segmentName(n))
	sealPath := strings.TrimSuffix(path, suffix) + ".seal"
	if _, err := os.Stat(sealPath); err == nil {
		return nil
	}
	if err := os.Chmod(path, sealedMode); err != nil {
		return fmt.Errorf("seal segment %d: %w", n, err)
	}
	seal := SealOf{Segment: n}
	var err error
	if seal.Size, seal.SHA256, err = digest(path); err != nil {
		return fmt.Errorf("seal segment %d: %w", n, err)
	}
	_, prev, err := digest(filepath.Join(dir, fmt.Sprintf("%08d.seal", n-1)))
	if err == nil {
		seal.Prev = prev
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("seal segment %d: %w", n, err)
	}
	text, err := json.Marshal(seal)
	if err != nil {
		return fmt.Errorf("seal segment %d: %w", n, err)
	}
	tmp := sealPath + ".tmp"
	if err := os.WriteFile(tmp, append(text, '\n'), openMode); err != nil {
		return fmt.Errorf("seal segment %d: %w", n, err)
	}
	if err := os.Rename(tmp, sealPath); err != nil {
		return fmt.Errorf("seal segment %d: %w", n, err)
	}
	return nil
}

func digest(path string) (size int64, sum string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return 0, "", err
	}
	h := sha256.New()
	n, err := io.Copy(h, io.LimitReader(f, info.Size()))
	return n, hex.EncodeToString(h.Sum(nil)), err
}
