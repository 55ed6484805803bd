"""Generated clusters and pods on the real control plane: does the real scheduler do what we say?"""
