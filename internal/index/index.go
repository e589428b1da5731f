// Package index stores posts with their embeddings and finds them again:
// vectors by meaning for English, by words and letters for everything else.
//
// All is computed in process and kept in one SQLite file, which one process may
// write while others read it. Each vector carries the id of the model that made
// it; vectors of different models are never compared.
package index

import (
	"database/sql"
	_ "embed" // for the schema
	"errors"
	"fmt"
	"strings"

	"github.com/stagewatch/stagewatch/internal/index/minilm"
	"github.com/stagewatch/stagewatch/internal/sqlite"
)

//go:embed schema.sql
var schema string

// schemaVersion is what PRAGMA user_version says of a file that this code knows.
const schemaVersion = 1

// ErrNewer says that the index file was written by a newer version of this program.
var ErrNewer = errors.New("written by a newer version of this program")

// Config says where an index lies.
type Config struct {
	// Path is the SQLite file. It is made when missing; its folder is not.
	Path string
}

// Store is an open index. It may be used by many goroutines at once.
type Store struct {
	db    *sql.DB
	model *minilm.Model // nil when the program was built without it
}

// Open opens the index, making the file (mode 0600) when there is none. A file
// that cannot be read is left as it is and is the error. The caller closes the store.
func Open(c Config) (*Store, error) {
	model, err := embedded()
	if err != nil {
		return nil, fmt.Errorf("open sentence model: %w", err)
	}
	return open(c, model)
}

// open is Open with the given sentence model, or without one.
func open(c Config, model *minilm.Model) (_ *Store, err error) {
	if c.Path == "" {
		return nil, errors.New("open index: Path is missing")
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("open index %s: %w", c.Path, sqlite.MarkFull(err))
		}
	}()
	db, err := sqlite.Open(c.Path, "synchronous(FULL)", "secure_delete(ON)")
	if err != nil {
		return nil, err
	}
	if err := migrate(db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &Store{db: db, model: model}, nil
}

// migrate brings the file to schemaVersion.
//
//nolint:noctx // It waits at most as long as sqlite.Open lets it, so there is nothing to cancel.
func migrate(db *sql.DB) error {
	version, err := userVersion(db.QueryRow("PRAGMA user_version"))
	if err != nil || version == schemaVersion {
		return err
	}
	if version > schemaVersion {
		return ErrNewer
	}
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback() // After Commit it does nothing.

	// Another process may have been first.
	if version, err = userVersion(tx.QueryRow("PRAGMA user_version")); err != nil || version == schemaVersion {
		return err
	}
	if _, err := tx.Exec(schema); err != nil {
		return err
	}
	if _, err := tx.Exec(fmt.Sprintf("PRAGMA user_version = %d", schemaVersion)); err != nil {
		return err
	}
	return tx.Commit()
}

func userVersion(row *sql.Row) (version int, err error) {
	err = row.Scan(&version)
	return version, err
}

// Close closes the index.
func (s *Store) Close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close index: %w", sqlite.MarkFull(err))
	}
	return nil
}

// Model returns the id of the model that texts are compared with where it can read them.
func (s *Store) Model() string {
	if s.model == nil {
		return lettersModel
	}
	return sentenceModel
}

// Describe says in one sentence what the store indexes with.
func (s *Store) Describe() string {
	if s.model == nil {
		return fmt.Sprintf("Posts are compared by words and letter groups alone (%d numbers a post): "+
			"this program was built without the sentence model.", lettersWidth)
	}
	return fmt.Sprintf("English posts are compared by meaning (all-MiniLM-L6-v2, %d numbers a post), "+
		"posts in other languages by words and letter groups (%d numbers).", s.model.Width(), lettersWidth)
}

// handle is an account's name as the index keeps it.
func handle(account string) string { return strings.TrimPrefix(account, "@") }
