// Package config turns miner.yaml, and the environment, into values. It is the
// only reader of both; every setting has a default, and the file is optional.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/stagewatch/stagewatch/internal/pattern"
)

// File is the name of the configuration in a home.
const File = "miner.yaml"

// Config is everything that can be set.
type Config struct {
	// Home is the absolute path of the miner's home. It is not set in the file.
	Home string `yaml:"-"`

	Report     Report     `yaml:"report"`
	Watch      Watch      `yaml:"watch"`
	Storage    Storage    `yaml:"storage"`
	Connectors Connectors `yaml:"connectors"`
	Modules    Modules    `yaml:"modules"`
	Restart    Restart    `yaml:"restart"`
	Journal    Journal    `yaml:"journal"`
	// Definitions are journalled by the miner at its start.
	Definitions []Definition `yaml:"definitions"`
	// Secrets name environment variables, or files as file:PATH, whose values
	// are masked in what is recorded of modules' output. See [Config.SecretValues].
	Secrets []string `yaml:"secrets"`

	text []byte `yaml:"-"` // of the file
}

// Report says how the operator's lines come.
type Report struct {
	CheckInterval time.Duration `yaml:"check_interval"`
	StatusEvery   time.Duration `yaml:"status_every"`
	Format        string        `yaml:"format"` // plain, time or json
}

// Watch says how Module 1 waits for accounts.
type Watch struct {
	Wait time.Duration `yaml:"wait"`
}

// Storage names the buckets. A relative path is one in the home.
type Storage struct {
	Results string `yaml:"results"`
	Raw     string `yaml:"raw"`
}

// Connectors says where raw data comes from.
type Connectors struct {
	// Archive is a folder of stored raw scrapes, <platform>/<primary>/<username>.json.
	Archive string `yaml:"archive"`
}

// Modules are the two processes that the miner keeps alive.
type Modules struct {
	Content Module `yaml:"content"`
	Images  Images `yaml:"images"`
}

// Module is one process. Without a command it is the built-in one.
type Module struct {
	Command []string          `yaml:"command"`
	Dir     string            `yaml:"dir"`
	Env     map[string]string `yaml:"env"`
	// Patterns tell stages from the lines that it prints.
	Patterns []pattern.Rule `yaml:"patterns"`
}

// Images is Module 2.
type Images struct {
	Module `yaml:",inline"`
	// Address is where queries are answered; a free port is taken when it is in use.
	Address string `yaml:"address"`
}

// Restart is the policy by which modules are started again.
type Restart struct {
	HealthyAfter time.Duration `yaml:"healthy_after"`
	Backoff      time.Duration `yaml:"backoff"`
	BackoffMax   time.Duration `yaml:"backoff_max"`
	Deaths       int           `yaml:"deaths"` // within Window, after which a module counts as failed
	Window       time.Duration `yaml:"window"`
	RetryFailed  time.Duration `yaml:"retry_failed"`
	StopGrace    time.Duration `yaml:"stop_grace"`
}

// Journal says how the records are kept.
type Journal struct {
	// Durability is process (what was acknowledged survives the death of any
	// process) or power (it is synced too).
	Durability string `yaml:"durability"`
	KeepDays   int    `yaml:"keep_days"` // 0: no bound
	KeepMiB    int    `yaml:"keep_mib"`  // 0: no bound
}

// KeepFor returns for how long records are kept, 0 for ever.
func (j Journal) KeepFor() time.Duration { return time.Duration(j.KeepDays) * 24 * time.Hour }

// KeepBytes returns how many bytes of records are kept, 0 for all.
func (j Journal) KeepBytes() int64 { return int64(j.KeepMiB) << 20 }

// Default returns the settings of a home without a file.
func Default(home string) Config {
	return Config{
		Home:    home,
		Report:  Report{CheckInterval: time.Second, StatusEvery: 30 * time.Second, Format: "plain"},
		Watch:   Watch{Wait: 300 * time.Second},
		Storage: Storage{Results: "tasks", Raw: "structuredb"},
		Modules: Modules{Images: Images{Address: "127.0.0.1:8090"}},
		Journal: Journal{Durability: "process", KeepDays: 30, KeepMiB: 1024},
		Restart: Restart{
			HealthyAfter: 10 * time.Second, Backoff: time.Second, BackoffMax: time.Minute,
			Deaths: 10, Window: 10 * time.Minute, RetryFailed: 10 * time.Minute, StopGrace: 5 * time.Second,
		},
	}
}

// Load reads the configuration of a home. A missing file is the default; a
// wrong one is an error that names line, column and, for an unknown key, the
// nearest known one.
func Load(home string) (Config, error) {
	home, err := filepath.Abs(home)
	if err != nil {
		return Config{}, fmt.Errorf("load configuration: %w", err)
	}
	path := filepath.Join(home, File)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Default(home), nil
	}
	if err != nil {
		return Config{}, fmt.Errorf("load configuration: %w", err)
	}
	c, err := parse(home, text)
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// Results returns the folder of the results bucket.
func (c Config) Results() string { return c.inHome(c.Storage.Results) }

// Raw returns the folder of the raw bucket.
func (c Config) Raw() string { return c.inHome(c.Storage.Raw) }

// Archive returns the folder of stored raw scrapes, "" when none is set.
func (c Config) Archive() string {
	if c.Connectors.Archive == "" {
		return ""
	}
	return c.inHome(c.Connectors.Archive)
}

// Logs returns the folder of the modules' output.
func (c Config) Logs() string { return filepath.Join(c.Home, "logs") }

// Locks returns the folder of kernel locks on accounts and executors.
func (c Config) Locks() string { return filepath.Join(c.Home, "locks") }

// Engine returns the engine's database.
func (c Config) Engine() string { return filepath.Join(c.Home, "engine.db") }

// Index returns the index's database.
func (c Config) Index() string { return filepath.Join(c.Home, "index.db") }

func (c Config) inHome(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(c.Home, path)
}
