package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
)

// tensors is a safetensors file: eight bytes with the length of a JSON header,
// the header, which gives each tensor's type, shape and place, then the data,
// all little-endian.
type tensors struct {
	header map[string]tensor
	data   []byte
}

// tensor is one entry of the header.
type tensor struct {
	Type    string   `json:"dtype"`
	Shape   []int64  `json:"shape"`
	Offsets [2]int64 `json:"data_offsets"`
}

func parseTensors(file []byte) (tensors, error) {
	if len(file) < 8 {
		return tensors{}, errors.New("cut short")
	}
	length := binary.LittleEndian.Uint64(file)
	file = file[8:]
	if length > uint64(len(file)) {
		return tensors{}, errors.New("header cut short")
	}
	raw := map[string]json.RawMessage{}
	if err := json.Unmarshal(file[:length], &raw); err != nil {
		return tensors{}, fmt.Errorf("header: %w", err)
	}
	delete(raw, "__metadata__")
	all := tensors{header: map[string]tensor{}, data: file[length:]}
	for name, entry := range raw {
		var t tensor
		if err := json.Unmarshal(entry, &t); err != nil {
			return tensors{}, fmt.Errorf("header of %s: %w", name, err)
		}
		all.header[name] = t
	}
	return all, nil
}

// floats returns a tensor's numbers in row-major order.
func (t tensors) floats(name string) ([]float32, error) {
	entry, ok := t.header[name]
	if !ok {
		return nil, fmt.Errorf("no tensor %s", name)
	}
	if entry.Type != "F32" {
		return nil, fmt.Errorf("tensor %s is %s, only F32 is supported", name, entry.Type)
	}
	from, to := entry.Offsets[0], entry.Offsets[1]
	if from < 0 || to < from || to > int64(len(t.data)) {
		return nil, fmt.Errorf("tensor %s lies outside the file", name)
	}
	size := int64(4)
	for _, n := range entry.Shape {
		if n < 0 || n > math.MaxInt32 {
			return nil, fmt.Errorf("tensor %s has the impossible shape %v", name, entry.Shape)
		}
		size *= n
	}
	if size != to-from {
		return nil, fmt.Errorf("tensor %s: shape %v and size %d do not match", name, entry.Shape, to-from)
	}
	values := make([]float32, (to-from)/4)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.data[from+4*int64(i):]))
	}
	return values, nil
}
