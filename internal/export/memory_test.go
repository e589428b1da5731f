package export

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/stagewatch/stagewatch/internal/bucket"
)

// memory is a bucket that can be told to fail.
type memory struct {
	objects  map[string][]byte
	modified map[string]time.Time
	clock    time.Time
	writes   int
	deletes  int
	fail     func(write int) error // asked before each write, from 1
	noDelete bool                  // every deletion fails too
	meet     func(key string)      // told of every put-if-absent before it happens
	order    []string              // keys in the order of writing
}

func newMemory() *memory {
	return &memory{objects: map[string][]byte{}, modified: map[string]time.Time{}, clock: at("2025-01-01")}
}

func (m *memory) Put(ctx context.Context, key string, data []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.writes++
	if m.fail != nil {
		if err := m.fail(m.writes); err != nil {
			return fmt.Errorf("put %q: %w", key, err)
		}
	}
	if err := bucket.CheckKey(key); err != nil {
		return err
	}
	m.clock = m.clock.Add(time.Second)
	m.objects[key], m.modified[key] = slices.Clone(data), m.clock
	m.order = append(m.order, key)
	return nil
}

func (m *memory) PutNew(ctx context.Context, key string, data []byte) error {
	if m.meet != nil {
		m.meet(key)
	}
	if _, ok := m.objects[key]; ok {
		return fmt.Errorf("put new %q: %w", key, bucket.ErrExists)
	}
	return m.Put(ctx, key, data)
}

func (m *memory) Get(ctx context.Context, key string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	data, ok := m.objects[key]
	if !ok {
		return nil, fmt.Errorf("get %q: %w", key, bucket.ErrNotFound)
	}
	return slices.Clone(data), nil
}

func (m *memory) List(_ context.Context, prefix string) iter.Seq2[bucket.Object, error] {
	return func(yield func(bucket.Object, error) bool) {
		for _, key := range slices.Sorted(maps.Keys(m.objects)) {
			if strings.HasPrefix(key, prefix) && !yield(bucket.Object{Key: key, Size: int64(len(m.objects[key])), Modified: m.modified[key]}, nil) {
				return
			}
		}
	}
}

func (m *memory) Delete(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.deletes++
	if m.noDelete {
		return fmt.Errorf("delete %q: %w", key, syscall.EROFS)
	}
	delete(m.objects, key)
	return nil
}
