package index

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/stagewatch/stagewatch/internal/content"
	"github.com/stagewatch/stagewatch/internal/sqlite"
)

// entry is one row of the index.
type entry struct {
	post   content.Post
	text   string // what is indexed of the post
	hash   [sha256.Size]byte
	model  string
	vector []float32
	json   string
}

// known is what the index holds of a post already.
type known struct {
	hash  string
	model string
	json  string
}

// Add stores an account's posts with their vectors and returns what it did.
//
// A post whose text and model are those of the index is not embedded again;
// only its numbers are brought up to date. A changed text replaces the old one.
// Posts that are in the index and not among these stay. The whole call is one
// transaction: when it does not return nil, the index is as it was before. A
// full disk gives an error for which errors.Is(err, syscall.ENOSPC) holds.
func (s *Store) Add(ctx context.Context, platform, account string, posts []content.Post) (Report, error) {
	report, err := s.add(ctx, platform, handle(account), posts)
	if err != nil {
		return Report{}, fmt.Errorf("index posts of %s/%s: %w", platform, account, sqlite.MarkFull(err))
	}
	return report, nil
}

func (s *Store) add(ctx context.Context, platform, account string, posts []content.Post) (Report, error) {
	entries, err := s.entries(posts)
	if err != nil {
		return Report{}, err
	}
	before, err := s.known(ctx, platform, account)
	if err != nil {
		return Report{}, err
	}
	report := newReport(s.model != nil)
	var changed, touched []*entry
	for i := range entries {
		e := &entries[i]
		old, indexed := before[e.post.ID]
		report.count(e)
		switch {
		case !indexed:
			report.Added++
			changed = append(changed, e)
		case old.hash != string(e.hash[:]) || old.model != e.model:
			report.Replaced++
			changed = append(changed, e)
		default:
			report.Kept++
			if old.json != e.json {
				touched = append(touched, e)
			}
		}
	}
	report.Notes = report.notes()
	if len(changed)+len(touched) == 0 {
		return report, nil
	}
	// The vectors come first: nobody waits for the write lock while they are made.
	if err := s.embed(ctx, changed); err != nil {
		return Report{}, err
	}
	return report, s.write(ctx, platform, account, changed, touched)
}

// entries prepares posts for the index, each id once: the first counts.
func (s *Store) entries(posts []content.Post) ([]entry, error) {
	seen := make(map[string]bool, len(posts))
	entries := make([]entry, 0, len(posts))
	for i, post := range posts {
		if post.ID == "" {
			return nil, fmt.Errorf("post %d has no id", i)
		}
		if seen[post.ID] {
			continue
		}
		seen[post.ID] = true
		text, err := json.Marshal(post)
		if err != nil {
			return nil, fmt.Errorf("encode post %s: %w", post.ID, err)
		}
		e := entry{post: post, text: readable(post.Text), json: string(text)}
		e.hash = sha256.Sum256([]byte(e.text))
		e.model = s.modelFor(post.Language, e.text)
		entries = append(entries, e)
	}
	return entries, nil
}

// modelFor returns the id of the model for a text in a language (as in
// [content.Post]), "" for a text without words. Text in no known language
// (names, single words) counts as English when the model can read it.
func (s *Store) modelFor(language, text string) string {
	if len(terms(text)) == 0 {
		return ""
	}
	switch language {
	case "en", content.UnknownLanguage, content.NoWords, "":
		if s.model != nil && s.model.Reads(text) {
			return sentenceModel
		}
	}
	return lettersModel
}

// embed fills in the vectors.
func (s *Store) embed(ctx context.Context, entries []*entry) error {
	var texts []string
	var to []*entry
	for _, e := range entries {
		switch e.model {
		case sentenceModel:
			texts, to = append(texts, e.text), append(to, e)
		case lettersModel:
			e.vector = letters(e.text)
		}
	}
	if len(texts) == 0 {
		return ctx.Err()
	}
	vectors, err := s.model.Embed(ctx, texts)
	if err != nil {
		return err
	}
	for i, v := range vectors {
		to[i].vector = v
	}
	return nil
}

// known reads what the index holds of an account, by post id.
func (s *Store) known(ctx context.Context, platform, account string) (map[string]known, error) {
	rows, err := s.db.QueryContext(ctx,
		`SELECT id, hash, model, post FROM posts WHERE platform = ? AND account = ?`, platform, account)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]known{}
	for rows.Next() {
		var id string
		var k known
		if err := rows.Scan(&id, &k.hash, &k.model, &k.json); err != nil {
			return nil, err
		}
		all[id] = k
	}
	return all, rows.Err()
}

// write stores changed entries whole, and of touched ones what is not made from the text.
func (s *Store) write(ctx context.Context, platform, account string, changed, touched []*entry) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // After Commit it does nothing.

	for _, e := range changed {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO posts (platform, account, id, time, language, hash, model, vector, terms, post)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (platform, account, id) DO UPDATE SET
				time = excluded.time, language = excluded.language, hash = excluded.hash, model = excluded.model,
				vector = excluded.vector, terms = excluded.terms, post = excluded.post`,
			platform, account, e.post.ID, unix(e.post), e.post.Language, e.hash[:], e.model,
			floatBytes(e.vector), hashBytes(termHashes(terms(e.text))), e.json)
		if err != nil {
			return err
		}
	}
	for _, e := range touched {
		_, err := tx.ExecContext(ctx, `
			UPDATE posts SET time = ?, language = ?, post = ? WHERE platform = ? AND account = ? AND id = ?`,
			unix(e.post), e.post.Language, e.json, platform, account, e.post.ID)
		if err != nil {
			return err
		}
	}
	return tx.Commit()
}

// Remove erases an account's posts from the index, so that their text is in no
// file any more, and returns how many there were.
func (s *Store) Remove(ctx context.Context, platform, account string) (int, error) {
	n, err := s.remove(ctx, platform, handle(account))
	if err != nil {
		return 0, fmt.Errorf("remove %s/%s from the index: %w", platform, account, sqlite.MarkFull(err))
	}
	return n, nil
}

func (s *Store) remove(ctx context.Context, platform, account string) (int, error) {
	result, err := s.db.ExecContext(ctx, `DELETE FROM posts WHERE platform = ? AND account = ?`, platform, account)
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	if err != nil {
		return 0, err
	}
	// The write-ahead log still holds the old pages.
	var busy, frames, moved int
	if err := s.db.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &frames, &moved); err != nil {
		return 0, err
	}
	if busy != 0 {
		return 0, errors.New("the posts are deleted, but another process still reads pages that hold them: try again")
	}
	return int(n), nil
}

func unix(p content.Post) sql.NullInt64 {
	return sql.NullInt64{Int64: p.Time.Unix(), Valid: !p.Time.IsZero()}
}

func floatBytes(values []float32) []byte {
	out := make([]byte, 0, 4*len(values))
	for _, v := range values {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
	}
	return out
}

func hashBytes(hashes []uint32) []byte {
	out := make([]byte, 0, 4*len(hashes))
	for _, h := range hashes {
		out = binary.LittleEndian.AppendUint32(out, h)
	}
	return out
}
