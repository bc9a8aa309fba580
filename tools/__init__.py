"""Programs for developers, for the tests and for the sample. The platform itself never imports them."""
