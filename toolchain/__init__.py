"""Gets the pinned binaries Portwright needs: a checked download, or a build from Go modules.

This room uses the standard library only and knows nothing of the other rooms.
`python -m toolchain --help` is its front door; `toolchain.install.Installer` is its Python one.
"""
