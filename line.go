package stagewatch

import (
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode"
)

// Line returns the operator's line for a change and its level, or false when
// the change has none. The texts are those of the default format, byte for byte.
func (c Change) Line() (level slog.Level, text string, ok bool) {
	switch {
	case c.Stage != nil:
		return c.stageLine()
	case c.Module != nil:
		return c.moduleLine()
	}
	return 0, "", false
}

func (c Change) stageLine() (slog.Level, string, bool) {
	stage := fmt.Sprintf("Stage %d", c.Stage.Number)
	if c.Stage.Unknown {
		stage = "Stage " + Plain(c.Stage.Key)
	}
	if c.Run.Definition != defaultName {
		stage = Plain(c.Run.Definition) + " · " + stage
	}
	subject := Plain(c.Stage.Name)
	if c.Run.Account != "" {
		subject += " for " + Plain(c.Run.Account)
	}
	message := c.Stage.Message
	switch c.Event.What {
	case EventStarted:
		text := fmt.Sprintf("⚙️  %s - %s%s", stage, subject, saying(": ", message))
		if c.Stage.Attempt > 1 && c.Run.Account != "" {
			text += fmt.Sprintf(" (attempt %d)", c.Stage.Attempt)
		}
		return slog.LevelInfo, text, true
	case EventCompleted:
		return slog.LevelInfo, fmt.Sprintf("✅ %s Complete - %s%s", stage, subject, saying(" - ", message)), true
	case EventFailed:
		return slog.LevelError, fmt.Sprintf("❌ %s Failed - %s%s", stage, subject, saying(" - Error: ", message)), true
	case EventLost:
		return slog.LevelError, fmt.Sprintf("❌ %s Lost - %s%s", stage, subject, saying(" - Error: ", message)), true
	case EventStalled:
		return slog.LevelWarn, fmt.Sprintf("⚠️  %s Stalled - %s%s", stage, subject, saying(" - ", c.Event.Message)), true
	case EventStopped:
		if c.Run.Account == "" {
			return 0, "", false
		}
		return slog.LevelWarn, fmt.Sprintf("⚠️  %s Stopped - %s - goes on at the next start", stage, subject), true
	}
	return 0, "", false
}

// saying returns a message with what leads to it, nothing when it is empty.
func saying(lead, message string) string {
	if message = strings.TrimRight(Plain(message), " "); message == "" {
		return ""
	}
	return lead + message
}

func (c Change) moduleLine() (slog.Level, string, bool) {
	m, f := c.Module, c.Event.Module
	switch c.Event.What {
	case EventStarting:
		return slog.LevelInfo, fmt.Sprintf("📋 Starting Module %d: %s", m.Number, Plain(m.Title)), true
	case EventRestarting:
		return slog.LevelInfo, fmt.Sprintf("🔄 Attempting to restart Module %d...", m.Number), true
	case EventNotStarted:
		return slog.LevelError, fmt.Sprintf("❌ Module %d could not be started: %s", m.Number, Plain(f.Reason)), true
	case EventExited:
		if f.Asked {
			return 0, "", false
		}
		return slog.LevelError, fmt.Sprintf("❌ Module %d process terminated with code: %d", m.Number, f.Code), true
	case EventFailed:
		return slog.LevelError, fmt.Sprintf("❌ Module %d failed: %s - next try in %s", m.Number, Plain(f.Reason), f.Wait.Round(time.Second)), true
	case EventStopped:
		return slog.LevelInfo, fmt.Sprintf("✅ Module %d stopped", m.Number), true
	}
	return 0, "", false
}

// StatusLine returns the text of the status line.
func (s *State) StatusLine() string {
	mode := s.Mode
	if mode == "" {
		mode = "watchdog"
	}
	parts := []string{"📈 Miner Status: Mode: " + Plain(mode)}
	for _, m := range s.Modules {
		parts = append(parts, fmt.Sprintf("Module %d: %s", m.Number, m.State))
	}
	if stage, ok := s.Current(defaultName); ok {
		text := fmt.Sprintf("Stage: %s - %s", Plain(stage.Name), stage.State)
		if stage.Account != "" {
			text += " (" + Plain(stage.Account) + ")"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " | ")
}

// Plain makes text from outside harmless on a terminal, and one line: characters
// that move the cursor, change the screen or turn the direction of writing
// become blanks, bytes that are no UTF-8 the replacement character.
func Plain(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return ' '
		case r == '\u2028' || r == '\u2029': // line and paragraph separator
			return ' '
		case '\u206a' <= r && r <= '\u206f', '\ufff9' <= r && r <= '\ufffb': // old shaping controls, annotations
			return ' '
		}
		return r
	}, text)
}
