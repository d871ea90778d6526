"""Json: what JSON can hold, as it travels inside the house."""

# What JSON can hold, and a resource as it travels inside the house: plain, with canonical names.
Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]
