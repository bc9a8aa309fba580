"""The machine itself, as pyinfra knows it."""

local = ["@local"]
