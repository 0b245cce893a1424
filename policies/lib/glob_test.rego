package dualtrack.glob_test

import data.dualtrack.glob

test_pass_globs if {
	every pattern in ["shop", "*", "sh*", "*op", "s?op", "s[gh]op", "[st]h*", "s[!a]op", "{a,sh*}", "{till,shop}", "sh{op,ed}"] {
		glob.fits(pattern, "shop")
		not glob.unclear(pattern)
	}
	glob.fits("*", "a.b-1")
	glob.fits("a.*", "a.b")
	glob.fits("A9-z", "A9-z")
	glob.fits("[A9z]", "9")
	glob.fits("{A9-z.?*,b}", "A9-z.xy")
	glob.fits("{b,A9-z.?*}", "A9-z.xy")
}

test_fail_globs if {
	every pattern in ["shops", "", "?", "sho", "op", "s[a]op", "s[!h]op", "{a,b}", "shop?"] {
		not glob.fits(pattern, "shop")
		not glob.unclear(pattern)
	}
}

test_pass_expressions if {
	every pattern in ["/shop/", "/sh/", "/op$/", "/^shop$/", "/^s.op$/", "/^[a-z0-9-]+$/", "/^[^A-Z]*$/", "/^(till|shop)-?$/", "/^(a-1|shop)+$/", "/^s[hx]+op/", "/sho?p/"] {
		glob.fits(pattern, "shop")
		not glob.unclear(pattern)
	}
	glob.fits("/^A9-z$/", "A9-z")
	glob.fits("/^[A-Z]$/", "Q")
	glob.fits("/^[0-9]$/", "5")
	glob.fits("/^[Zz9]$/", "9")
	glob.fits("/^(A9-|z)$/", "A9-")
	glob.fits("/^(z|A9-)$/", "A9-")
	glob.fits("/a-b/", "a-b")
	glob.fits("/^[a-]$/", "-")
}

test_fail_expressions if {
	every pattern in ["/hops/", "/^hop/", "/sho$/", "/^[0-9]+$/", "/^(till|ship)$/", "/^[^a-z]/"] {
		not glob.fits(pattern, "shop")
		not glob.unclear(pattern)
	}
}

# What readers read in different ways, or one of them not at all, takes nothing here.
test_unclear if {
	every pattern in [
		"[a-z]*", "[]", "{}", "{a", "[sh", "s\\hop", "a/b", "sh op", "{a,{b,shop}}", "{a,}",
		"/", "//", "/(?!till)shop/", "/(shop/", "/shop", "/[z-a]/", "/s{1,2}hop/", "/\\w+/", "/shop**/", "/()/", "/(a|)/", "/[]/", "/a|b/", "x/shop/", "/shop/x",
	] {
		glob.unclear(pattern)
		not glob.fits(pattern, "shop")
	}
}

test_pass_no_text if {
	every odd in [null, 5, false, [], {}] {
		not glob.unclear(odd)
		not glob.fits(odd, "shop")
	}
	glob.fits(null, "") # as an empty text, which no namespace is called
}
