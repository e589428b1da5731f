package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"github.com/stagewatch/stagewatch/internal/pattern"
)

const (
	secretFile = "file:"
	maxSecret  = 16 << 10 // bytes of a file
)

// SecretValues returns the values of what Secrets names: of a variable the one
// in the environment of this process and those that modules are given, of a
// file its text. The notes say what cannot be masked and why; neither they nor
// the error hold a value. A file that cannot be read is an error: its secret
// would go unmasked.
func (c Config) SecretValues() (values, notes []string, err error) {
	for i, name := range c.Secrets {
		found, err := c.secret(name)
		if err != nil {
			path := fmt.Sprintf("secrets[%d]", i)
			return nil, nil, placed(c.text, []problem{wrong(path, "secret %d, %s: %w", i+1, name, err)})
		}
		if len(found) == 0 {
			notes = append(notes, fmt.Sprintf("secret %d in %s, %s, is not set: nothing is masked for it", i+1, File, name))
		}
		for _, value := range found {
			if len(strings.TrimSpace(value)) < pattern.MinSecret {
				notes = append(notes, fmt.Sprintf("secret %d in %s, %s, has a value of fewer than %d bytes: it is not masked", i+1, File, name, pattern.MinSecret))
				continue
			}
			values = append(values, value)
		}
	}
	return values, notes, nil
}

func (c Config) secret(name string) (values []string, err error) {
	if path, isFile := strings.CutPrefix(name, secretFile); isFile {
		text, err := readSecret(c.inHome(path))
		return []string{text}, err
	}
	if value, ok := os.LookupEnv(name); ok { //nolint:forbidigo // it is this package that reads the environment
		values = append(values, value)
	}
	for _, m := range []Module{c.Modules.Content, c.Modules.Images.Module} {
		if value, ok := m.Env[name]; ok {
			values = append(values, value)
		}
	}
	return values, nil
}

func readSecret(path string) (text string, err error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe would wait for its writer
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return "", errors.Join(err, fmt.Errorf("%s is not a regular file", path))
	}
	all, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return "", err
	}
	if len(all) > maxSecret {
		return "", fmt.Errorf("%s has more than %d bytes", path, maxSecret)
	}
	return strings.TrimSpace(string(all)), nil
}
