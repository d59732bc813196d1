package emulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// line makes one line of a function's log readable: time, function, text. A line in JSON, as slog and Lambda's own
// format write it, becomes message and key=value pairs in their order; any other line stays as it is.
func line(now time.Time, function, text string) string {
	return fmt.Sprintf("%s %-14s %s\n", now.Format("15:04:05.000"), function, plainText(text))
}

// lineWriter takes the emulator's own log, in JSON, and writes it like that of a function.
type lineWriter struct{ to io.Writer }

func (w lineWriter) Write(p []byte) (int, error) {
	_, err := io.WriteString(w.to, line(time.Now(), "emulator", string(bytes.TrimRight(p, "\n"))))
	return len(p), err
}

func plainText(text string) string {
	if !strings.HasPrefix(text, "{") {
		return text
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if _, err := d.Token(); err != nil {
		return text
	}
	var message, level string
	var pairs strings.Builder
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return text
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return text
		}
		switch key {
		case "msg":
			message = unquoted(raw)
		case "message":
			if message == "" {
				message = unquoted(raw)
				break
			}
			fmt.Fprintf(&pairs, " %s=%s", key, value(raw)) // slog's own is msg: this one is an attribute
		case "level":
			level = unquoted(raw)
		case "time", "timestamp":
		default:
			fmt.Fprintf(&pairs, " %s=%s", key, value(raw))
		}
	}
	if message == "" {
		return text
	}
	if level != "" && level != "INFO" {
		message = level + " " + message
	}
	return message + pairs.String()
}

func unquoted(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return string(raw)
	}
	return s
}

// value drops the quotes of a string that needs none to be read.
func value(raw json.RawMessage) string {
	s := unquoted(raw)
	if s == "" || strings.ContainsAny(s, " \t\r\n\"=") || bytes.HasPrefix(raw, []byte("{")) {
		return string(raw)
	}
	return s
}
