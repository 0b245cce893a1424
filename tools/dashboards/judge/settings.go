package judge

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/ini.v1"
)

// knownSettings are the settings of Grafana that the stack uses. Grafana itself
// takes a misspelt one in silence.
func knownSettings() map[string][]string {
	return map[string][]string{
		"analytics":        {"reporting_enabled", "check_for_updates", "check_for_plugin_updates", "feedback_links_enabled"},
		"auth.anonymous":   {"enabled"},
		"auth.basic":       {"enabled"},
		"dashboards":       {"default_home_dashboard_path", "min_refresh_interval", "versions_to_keep"},
		"log":              {"mode", "level"},
		"log.console":      {"format"},
		"metrics":          {"enabled"},
		"news":             {"news_feed_enabled"},
		"plugins":          {"plugin_admin_enabled", "preinstall_disabled", "public_key_retrieval_disabled"},
		"security":         {"admin_user", "admin_password", "secret_key", "disable_gravatar", "cookie_samesite", "content_security_policy", "allow_embedding"},
		"server":           {"http_port", "http_addr", "domain", "root_url"},
		"snapshots":        {"external_enabled"},
		"unified_alerting": {"enabled"},
		"users":            {"allow_sign_up", "allow_org_create", "default_theme", "viewers_can_edit"},
	}
}

// neededSettings are those that must not be left to Grafana's defaults.
func neededSettings() [][3]string {
	return [][3]string{
		{"analytics", "reporting_enabled", "false"},
		{"analytics", "check_for_updates", "false"},
		{"analytics", "check_for_plugin_updates", "false"},
		{"auth.anonymous", "enabled", "false"},
		{"users", "allow_sign_up", "false"},
		{"snapshots", "external_enabled", "false"},
	}
}

// settings judges grafana.ini.
func (c *checker) settings(file string) {
	at := place{file: file}
	text, ok := c.subject.Files[file]
	if !ok {
		c.refuse(at, "is not mounted, so Grafana runs with its defaults")
		return
	}
	settings, err := ini.Load([]byte(text))
	if err != nil {
		c.refuse(at, "cannot be read: %v", err)
		return
	}
	known := knownSettings()
	for _, section := range settings.Sections() {
		for _, key := range section.Keys() {
			if !slices.Contains(known[section.Name()], key.Name()) {
				c.refuse(place{file: file, path: section.Name()}, "%s is not among the settings that are known; Grafana would ignore a misspelt one", key.Name())
			}
		}
	}
	for _, n := range neededSettings() {
		if got := settings.Section(n[0]).Key(n[1]).String(); got != n[2] {
			c.refuse(place{file: file, path: n[0]}, "%s is %q, must be %s", n[1], got, n[2])
		}
	}
	for _, key := range []string{"admin_password", "secret_key"} {
		value := settings.Section("security").Key(key).String()
		if !c.fromSecret(value) {
			c.refuse(place{file: file, path: "security"}, "%s must be $__file{…} below a mounted Secret, %s", key, fmt.Sprint(c.subject.Opaque))
		}
	}
}

// fromSecret says whether a setting is read from a file that Git does not hold.
func (c *checker) fromSecret(value string) bool {
	file, ok := strings.CutPrefix(value, "$__file{")
	file, closed := strings.CutSuffix(file, "}")
	return ok && closed && slices.ContainsFunc(c.subject.Opaque, func(dir string) bool { return strings.HasPrefix(file, dir+"/") })
}
