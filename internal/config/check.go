package config

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stagewatch/stagewatch/internal/pattern"
)

// problem is something that is wrong with a setting.
type problem struct {
	path string // of the setting, like definitions[0].name
	err  error  // names the setting, unless the path is enough to find it
}

func wrong(path, format string, args ...any) problem {
	return problem{path, fmt.Errorf(format, args...)}
}

// check returns everything that is wrong with c.
func (c Config) check() []problem {
	return slices.Concat(c.checkTimes(), c.checkWords(), checkDefinitions(c.Definitions), c.checkSecrets(),
		c.checkModule("modules.content", c.Modules.Content), c.checkModule("modules.images", c.Modules.Images.Module))
}

func (c Config) checkTimes() (all []problem) {
	positive := map[string]time.Duration{
		"report.check_interval": c.Report.CheckInterval,
		"report.status_every":   c.Report.StatusEvery,
		"watch.wait":            c.Watch.Wait,
		"restart.healthy_after": c.Restart.HealthyAfter,
		"restart.backoff":       c.Restart.Backoff,
		"restart.backoff_max":   c.Restart.BackoffMax,
		"restart.window":        c.Restart.Window,
		"restart.retry_failed":  c.Restart.RetryFailed,
		"restart.stop_grace":    c.Restart.StopGrace,
	}
	for name, d := range positive {
		if d <= 0 {
			all = append(all, wrong(name, "%s is %v: give a time like 30s", name, d))
		}
	}
	if c.Restart.BackoffMax < c.Restart.Backoff {
		all = append(all, wrong("restart.backoff_max", "restart.backoff_max %v is below restart.backoff %v", c.Restart.BackoffMax, c.Restart.Backoff))
	}
	return all
}

func (c Config) checkWords() (all []problem) {
	const (
		mostDays = 36500   // a hundred years
		mostMiB  = 1 << 24 // 16 TiB
	)
	if c.Restart.Deaths < 1 {
		all = append(all, wrong("restart.deaths", "restart.deaths is %d: give at least 1", c.Restart.Deaths))
	}
	if !slices.Contains([]string{"plain", "time", "json"}, c.Report.Format) {
		all = append(all, wrong("report.format", "report.format is %q: it is plain, time or json", c.Report.Format))
	}
	if !slices.Contains([]string{"process", "power"}, c.Journal.Durability) {
		all = append(all, wrong("journal.durability", "journal.durability is %q: it is process or power", c.Journal.Durability))
	}
	if d := c.Journal.KeepDays; d < 0 || d > mostDays {
		all = append(all, wrong("journal.keep_days", "journal.keep_days is %d: give 1 to %d, or 0 for no bound", d, mostDays))
	}
	if m := c.Journal.KeepMiB; m < 0 || m > mostMiB {
		all = append(all, wrong("journal.keep_mib", "journal.keep_mib is %d: give 1 to %d, or 0 for no bound", m, mostMiB))
	}
	address := c.Modules.Images.Address
	if host, _, err := net.SplitHostPort(address); err != nil || !isLoopback(host) {
		all = append(all, wrong("modules.images.address", "modules.images.address is %q: give a loopback address with a port, like 127.0.0.1:8090", address))
	}
	return all
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// checkSecrets never prints one: whoever put the value in place of the name
// would see it in a log.
func (c Config) checkSecrets() (all []problem) {
	variable := regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	for i, name := range c.Secrets {
		file, isFile := strings.CutPrefix(name, secretFile)
		if isFile && file == "" || !isFile && !variable.MatchString(name) {
			path := fmt.Sprintf("secrets[%d]", i)
			all = append(all, wrong(path, "secret %d is neither the name of an environment variable nor file: with a path (never the secret itself)", i+1))
		}
	}
	return all
}

// checkModule checks the patterns of a module, and that it prints something.
func (c Config) checkModule(path string, m Module) []problem {
	at := path + ".patterns"
	all := checkPatterns(at, m.Patterns)
	if len(m.Patterns) > 0 && len(m.Command) == 0 {
		all = append(all, wrong(at, "%s without %s.command: the built-in module records its stages itself and prints none", at, path))
	}
	for i, rule := range m.Patterns {
		field, err := c.checkNames(rule)
		if err != nil {
			all = append(all, problem{fmt.Sprintf("%s[%d].%s", at, i, field), fmt.Errorf("%s: %w", at, err)})
		}
	}
	return all
}

// checkNames returns which field of a rule names a definition, or a stage of
// one, that is not there.
func (c Config) checkNames(r pattern.Rule) (field string, err error) {
	const lastStage = 7 // of Content, which has no keys
	number, err := strconv.Atoi(r.Stage)
	numbered := err == nil
	grouped := r.Definition == "" && strings.Contains(r.Match, "<definition>") // the line says it
	var known []string
	switch {
	case r.Definition == "Images" || grouped:
		return "", nil
	case r.Definition == "" || r.Definition == "Content":
		if r.Stage != "" && (!numbered || number < 0 || number > lastStage) {
			return "stage", fmt.Errorf("stage is %q: without a definition it is a number from 0 to %d", r.Stage, lastStage)
		}
		return "", nil
	}
	for _, d := range c.Definitions {
		if d.Name == r.Definition && !d.has(r.Stage) {
			return "stage", fmt.Errorf("definition %q has no stage %q", d.Name, r.Stage)
		}
		if d.Name == r.Definition {
			return "", nil
		}
		known = append(known, d.Name)
	}
	hint := ""
	if near := nearest(r.Definition, known); near != "" {
		hint = fmt.Sprintf(": did you mean %q?", near)
	}
	return "definition", fmt.Errorf("no definition in %s is called %q%s", File, r.Definition, hint)
}

// checkPatterns compiles the patterns of a module.
func checkPatterns(path string, rules []pattern.Rule) (all []problem) {
	_, err := pattern.New(rules)
	if err == nil {
		return nil
	}
	each := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		each = joined.Unwrap()
	}
	for _, err := range each {
		at := path
		if one, ok := errors.AsType[*pattern.RuleError](err); ok {
			at = fmt.Sprintf("%s[%d]", path, one.Index)
			if one.Field != "" {
				at += "." + one.Field
			}
		}
		all = append(all, problem{at, fmt.Errorf("%s: %w", path, err)})
	}
	return all
}
