package index

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/stagewatch/stagewatch/internal/content"
	"github.com/stagewatch/stagewatch/internal/sqlite"
)

// Query asks for the posts that are closest to a text.
type Query struct {
	Text string
	// Platform, Accounts and IDs narrow the search before anything is compared;
	// an empty one leaves all in. Accounts are handles in any case.
	Platform string
	Accounts []string
	IDs      []string
	// Limit is how many hits are wanted at most, 10 when 0.
	Limit int
}

// candidate is a post that passed the filter.
type candidate struct {
	row    int64
	key    string // breaks ties, so that equal posts come in one order
	cosine float64
	model  string
	terms  []uint32
	fused  float64
}

// Search returns the posts closest to the query, best first.
//
// Every post that passes the filter is compared, so nothing is missed and no
// other account crowds it out. Three orders are fused by reciprocal rank
// (Cormack, Clarke and Büttcher 2009): likeness of meaning, likeness of letters
// among the posts that the sentence model does not read, and shared words by
// BM25. A hit's score is its cosine similarity in its own model's space; scores
// of hits from different models cannot be compared, the order of hits can.
func (s *Store) Search(ctx context.Context, q Query) ([]content.Hit, error) {
	hits, err := s.search(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("search the index: %w", sqlite.MarkFull(err))
	}
	return hits, nil
}

func (s *Store) search(ctx context.Context, q Query) ([]content.Hit, error) {
	text := readable(q.Text)
	asked := terms(text)
	if len(asked) == 0 {
		return nil, nil
	}
	vectors := map[string][]float32{lettersModel: letters(text)}
	if s.model != nil && s.model.Reads(text) {
		v, err := s.model.Embed(ctx, []string{text})
		if err != nil {
			return nil, err
		}
		vectors[sentenceModel] = v[0]
	}
	all, err := s.candidates(ctx, q, vectors)
	if err != nil {
		return nil, err
	}
	found := fuse(all, termHashes(asked))
	limit := cmp.Or(q.Limit, 10)
	hits := make([]content.Hit, 0, min(limit, len(found)))
	for _, c := range found {
		if len(hits) == limit {
			break
		}
		post, err := s.post(ctx, c.row)
		if errors.Is(err, sql.ErrNoRows) { // Removed since it was compared.
			continue
		}
		if err != nil {
			return nil, err
		}
		hits = append(hits, content.Hit{Post: post, Score: c.cosine})
	}
	return hits, nil
}

// candidates compares the posts that pass the query's filter with its vectors.
func (s *Store) candidates(ctx context.Context, q Query, vectors map[string][]float32) ([]*candidate, error) {
	where, args, err := filter(q.Platform, q.Accounts, q.IDs)
	if err != nil {
		return nil, err
	}
	rows, err := s.db.QueryContext(ctx,
		`SELECT rowid, platform || '/' || account || '/' || id, model, vector, terms FROM posts`+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []*candidate
	for rows.Next() {
		var c candidate
		var vector, hashes sql.RawBytes
		if err := rows.Scan(&c.row, &c.key, &c.model, &vector, &hashes); err != nil {
			return nil, err
		}
		c.cosine = dot(vectors[c.model], vector)
		c.terms = make([]uint32, len(hashes)/4)
		for i := range c.terms {
			c.terms[i] = binary.LittleEndian.Uint32(hashes[4*i:])
		}
		all = append(all, &c)
	}
	return all, rows.Err()
}

// post reads one post.
func (s *Store) post(ctx context.Context, row int64) (content.Post, error) {
	var text string
	if err := s.db.QueryRowContext(ctx, `SELECT post FROM posts WHERE rowid = ?`, row).Scan(&text); err != nil {
		return content.Post{}, err
	}
	var post content.Post
	if err := json.Unmarshal([]byte(text), &post); err != nil {
		return content.Post{}, fmt.Errorf("decode an indexed post: %w", err)
	}
	return post, nil
}

// Vectors returns the vectors of the accounts' posts, all accounts' when none is
// named, by account, time and id. Posts without words have none. Vectors of
// different models must not be compared.
func (s *Store) Vectors(ctx context.Context, platform string, accounts []string) ([]content.Vector, error) {
	all, err := s.vectors(ctx, platform, accounts)
	if err != nil {
		return nil, fmt.Errorf("read vectors from the index: %w", sqlite.MarkFull(err))
	}
	return all, nil
}

func (s *Store) vectors(ctx context.Context, platform string, accounts []string) ([]content.Vector, error) {
	where, args, err := filter(platform, accounts, nil)
	if err != nil {
		return nil, err
	}
	rows, err := s.db.QueryContext(ctx,
		`SELECT id, account, model, vector FROM posts`+where+` ORDER BY platform, account, time, id`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []content.Vector
	for rows.Next() {
		var v content.Vector
		var data sql.RawBytes
		if err := rows.Scan(&v.PostID, &v.Account, &v.Model, &data); err != nil {
			return nil, err
		}
		if v.Model == "" {
			continue
		}
		v.Values = make([]float32, len(data)/4)
		for i := range v.Values {
			v.Values[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

// filter returns the SQL condition for a platform, accounts and ids, of which
// the empty ones ask for nothing.
func filter(platform string, accounts, ids []string) (where string, args []any, err error) {
	var parts []string
	if platform != "" {
		parts, args = append(parts, "platform = ?"), append(args, platform)
	}
	handles := make([]string, len(accounts))
	for i, a := range accounts {
		handles[i] = handle(a)
	}
	for _, list := range []struct {
		column string
		values []string
	}{{"account", handles}, {"id", ids}} {
		if len(list.values) == 0 {
			continue
		}
		text, err := json.Marshal(list.values)
		if err != nil {
			return "", nil, err
		}
		parts, args = append(parts, list.column+" IN (SELECT value FROM json_each(?))"), append(args, string(text))
	}
	if len(parts) == 0 {
		return "", nil, nil
	}
	return " WHERE " + strings.Join(parts, " AND "), args, nil
}

// dot returns the dot product of a vector with one as the index keeps it; 0
// when there is none to compare with.
func dot(v []float32, data []byte) float64 {
	if len(data) != 4*len(v) {
		return 0
	}
	var sum float64
	for i, x := range v {
		sum += float64(x) * float64(math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:])))
	}
	return sum
}
