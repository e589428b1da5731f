//go:build !amd64

package minilm

// fastest returns the quickest kernel that this processor runs.
func fastest() kernel { return portable() }
