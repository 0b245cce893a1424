// Package alertmanager runs the real Alertmanager on loopback, with the
// configuration that the hub's bundle holds, before a stand-in for WeCom that
// keeps what it is sent. Its tests, of routes, messages, inhibition and silences,
// are built with the tag "real", since they build that program; the experiment on
// silences uses it too.
package alertmanager
