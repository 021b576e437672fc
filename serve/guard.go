package serve

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// guard answers only requests that are meant for this server, and tells
// browsers to treat answers with suspicion.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range securityHeaders {
			w.Header().Set(name, value)
		}
		switch {
		case !s.hostAllowed(r.Host):
			s.metrics.refused.WithLabelValues("host").Inc()
			s.fail(w, r, failf(http.StatusMisdirectedRequest,
				"this server is not known as %.100q: use its address; the server takes further names (hosts)", r.Host))
		case !sameSite(r):
			s.metrics.refused.WithLabelValues("cross_site").Inc()
			s.fail(w, r, failf(http.StatusForbidden, "refused: another web site asks for this"))
		case r.Header.Get("Content-Encoding") != "" && r.Header.Get("Content-Encoding") != "identity":
			s.fail(w, r, failf(http.StatusUnsupportedMediaType, "compressed requests are not accepted"))
		default:
			next.ServeHTTP(w, r)
		}
	})
}

var securityHeaders = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; " +
		"media-src 'self' blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
	"Referrer-Policy":              "same-origin",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Permissions-Policy":           "camera=(self), geolocation=(), microphone=()",
	"Cache-Control":                "no-store",
}

// hostAllowed refuses names that are not the server's. A web site whose name
// suddenly means this machine (DNS rebinding) sends its own name; it cannot
// send an address or localhost.
func (s *Server) hostAllowed(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if host == "" || host == "localhost" || net.ParseIP(host) != nil { // browsers never send ""
		return true
	}
	if len(s.options.Hosts) == 0 {
		return !s.options.Loopback
	}
	return slices.ContainsFunc(s.options.Hosts, func(h string) bool { return strings.EqualFold(h, host) })
}

// sameSite tells whether a request that changes something comes from one of the
// server's own pages, or from no browser at all.
func sameSite(r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions {
		return true
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return true
	case "":
	default:
		return false
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}
