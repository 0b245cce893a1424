// Package web opens the page that `-o html` writes in a real browser, Debian's
// Chromium without a screen: what a reader sees, what a hostile object can do
// (nothing), and how long a large change takes. It reads no network, and the
// pages it opens are files of its own making.
package web
