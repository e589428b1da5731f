package journal

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Durability says what an acknowledged record survives.
type Durability string

// Process: the death of its process, kill -9 included. Power: also a power cut
// or a crash of the kernel, once [Writer.Sync] has returned.
const (
	Process Durability = "process"
	Power   Durability = "power"
)

// Header is what journal.json says of a journal.
type Header struct {
	Version    int        `json:"v"`
	ID         string     `json:"id"` // 26 letters and digits of base32, chosen at random; "" when it cannot be read
	Durability Durability `json:"durability"`
}

// HeaderFile is the name of the header in a journal's folder.
const HeaderFile = "journal.json"

const headerVersion = 1

// ErrNewer says that a journal was begun by a newer program, whose format this one does not know.
var ErrNewer = errors.New("the journal has a newer version than this program")

// ReadHeader reads a journal's header. An error of [fs.ErrNotExist] says that
// there is none, [ErrNewer] that it is of a newer version; after any other one
// the header is damaged. The Header that comes with an error is what counts
// then: no id, and [Process].
func ReadHeader(dir string) (Header, error) {
	_, h, err := loadHeader(dir)
	return h, err
}

// loadHeader returns all fields of the header too, those of newer programs included.
func loadHeader(dir string) (map[string]json.RawMessage, Header, error) {
	const limit = 64 << 10
	unknown := Header{Version: headerVersion, Durability: Process}
	path := filepath.Join(dir, HeaderFile)
	text, err := readBounded(path, limit)
	if err != nil {
		return nil, unknown, fmt.Errorf("read journal header: %w", err)
	}
	fields, h, err := parseHeader(text)
	if err != nil {
		return nil, unknown, fmt.Errorf("read journal header: %s: %w", path, err)
	}
	return fields, h, nil
}

func parseHeader(text []byte) (map[string]json.RawMessage, Header, error) {
	var h Header
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, h, err
	}
	err := json.Unmarshal(fields["v"], &h.Version)
	if err == nil && h.Version > headerVersion {
		return nil, h, fmt.Errorf("version %d: %w", h.Version, ErrNewer)
	}
	// Each by itself: json.Unmarshal takes "ID" for "id" in a whole object.
	if err := errors.Join(err, json.Unmarshal(fields["id"], &h.ID), json.Unmarshal(fields["durability"], &h.Durability)); err != nil {
		return nil, h, err
	}
	if h.Version != headerVersion || !validID(h.ID) || h.Durability != Process && h.Durability != Power {
		return nil, h, errors.New("not a journal's header")
	}
	return fields, h, nil
}

func encoding() *base32.Encoding {
	return base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
}

func validID(id string) bool {
	const length = 26
	return len(id) == length && strings.Trim(id, "abcdefghijklmnopqrstuvwxyz234567") == ""
}

func newHeader(d Durability) (Header, error) {
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		return Header{}, fmt.Errorf("choose a journal's id: %w", err)
	}
	if d == "" {
		d = Process
	}
	return Header{Version: headerVersion, ID: encoding().EncodeToString(id[:]), Durability: d}, nil
}

// ensureHeader returns the journal's header, making it with the given
// durability when there is none. A damaged one is never fatal.
func ensureHeader(dir string, d Durability) (Header, error) {
	h, err := ReadHeader(dir)
	switch {
	case err == nil:
		return h, nil
	case errors.Is(err, ErrNewer):
		return h, err
	case !errors.Is(err, fs.ErrNotExist):
		return h, nil
	}
	if h, err = newHeader(d); err != nil {
		return h, err
	}
	text, err := json.Marshal(h)
	if err != nil {
		return h, fmt.Errorf("make journal header: %w", err)
	}
	tmp, err := writeTemporary(dir, text)
	if err != nil {
		return h, fmt.Errorf("make journal header: %w", err)
	}
	// A link fails when another process was faster, where a rename would replace its header.
	err = os.Link(tmp, filepath.Join(dir, HeaderFile))
	_ = os.Remove(tmp) // what stays behind is only litter
	if errors.Is(err, fs.ErrExist) {
		h, err = ReadHeader(dir)
		if errors.Is(err, ErrNewer) {
			return h, err
		}
		return h, nil
	}
	if err != nil {
		return h, fmt.Errorf("make journal header: %w", err)
	}
	return h, syncFolder(dir)
}

// SetDurability changes what the records of a journal survive, making the
// header when there is none. Writers that are open go on as they began. What
// newer programs wrote into the header stays; a damaged one is left to [Repair].
func SetDurability(dir string, d Durability) error {
	if d != Process && d != Power {
		return fmt.Errorf("set durability: %q is neither %s nor %s", d, Process, Power)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("set durability: %w", err)
	}
	if _, err := ensureHeader(dir, d); err != nil {
		return fmt.Errorf("set durability: %w", err)
	}
	fields, h, err := loadHeader(dir)
	if err != nil {
		return fmt.Errorf("set durability: %w", err)
	}
	if h.Durability == d {
		return nil
	}
	if fields["durability"], err = json.Marshal(d); err != nil {
		return fmt.Errorf("set durability: %w", err)
	}
	text, err := json.Marshal(fields)
	if err != nil {
		return fmt.Errorf("set durability: %w", err)
	}
	if err := replaceHeader(dir, text); err != nil {
		return fmt.Errorf("set durability: %w", err)
	}
	return nil
}

func replaceHeader(dir string, text []byte) error {
	tmp, err := writeTemporary(dir, text)
	if err != nil {
		return err
	}
	if err := os.Rename(tmp, filepath.Join(dir, HeaderFile)); err != nil {
		_ = os.Remove(tmp) // what stays behind is only litter
		return err
	}
	return syncFolder(dir)
}

// writeTemporary writes a line to a new file beside the header and syncs it.
func writeTemporary(dir string, line []byte) (path string, err error) {
	f, err := os.CreateTemp(dir, HeaderFile+".*.tmp")
	if err != nil {
		return "", err
	}
	_, err = f.Write(append(line, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		_ = os.Remove(f.Name()) // what stays behind is only litter
		return "", err
	}
	return f.Name(), nil
}
