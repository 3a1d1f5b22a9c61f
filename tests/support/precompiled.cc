// Exists so that the headers named in tests/CMakeLists.txt are compiled once; the test binaries reuse the result.
