"""What a result was made with: git state, packages, Python, BLAS, CPU and host. Captured once per process.

What provenance is made of, and what becomes of it
--------------------------------------------------
Recorded with every run, as tags, `environment.txt` and `uncommitted.patch`:

=============  =========================================================================================
git            commit, branch, origin (without passwords), and everything not committed: changes to
               tracked files, binary ones too, and untracked files that `.gitignore` does not ignore, up
               to 1 MiB each and 10 MiB together. Larger ones, and files that look like secrets, are
               named in the patch's header. The tree is that of the working directory: the user's code
packages       every installed distribution with its version, from the metadata on `sys.path`
Python         the version; the platform; the host's name
arithmetic     the CPU's model; the BLAS that numpy computes with, its version, the kernel it chose for
               this CPU and its threading; the threads it was limited to
=============  =========================================================================================

Part of identity (the fingerprint, by which `resume` decides that a point is done) is only what decides
the result and what a person would call a different experiment:

* `code`: content hashes of the user's own modules that the config names (`_target_`, `get_method`, a loader, a
  scorer) or that the built objects hold, and of the own modules that those import; or the version of the
  distribution when it is installed code, as this program itself is (`code_identity`, `find_code`);
* `environment`: the versions of scikit-learn, numpy, scipy and the estimator's own package (`matters`).

Left out of identity, though recorded: the commit and the patch (a commit that touches a README repeats
no sweep), other packages, Python, BLAS, its threads, the CPU and the host. They may move the last bits
of a score; `python -m runner.reproduce` compares bits and names the one that differs
(`tracking.compare.making`). Neither recorded nor hashed: files that git ignores, what compiled libraries outside
Python's packages contain, modules that code imports by a computed name, files that an estimator reads from a
path, environment variables.

The config's and the data's part of the fingerprint is described in `runner/trial/spec.py`.
"""
