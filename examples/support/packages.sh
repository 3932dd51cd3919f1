# SPDX-License-Identifier: MIT
# Sourced by the three `run` scripts: what has to be on the machine, and putting it there.

say() { printf '%s\n' "$*" >&2; }

# Everything a script may ask for: package, and what shows that it is there (the runtime of the sanitizers and fuzzers is
# a package of its own).
lagom_packages='
g++                 command g++
cmake               command cmake
ninja-build         command ninja
clang               command clang++
libclang-rt-dev     runtime clang++
gnuplot-nox         command gnuplot
libxtensor-dev      header  xtensor/xtensor.hpp xtensor/containers/xtensor.hpp
libxtensor-blas-dev header  xtensor-blas/xlinalg.hpp
libopenblas-dev     library openblas
nlohmann-json3-dev  header  nlohmann/json.hpp
libpcre2-dev        header  pcre2.h
libutf8proc-dev     header  utf8proc.h
libcli11-dev        header  CLI/CLI.hpp
libfmt-dev          header  fmt/core.h
catch2              header  catch2/catch.hpp catch2/catch_all.hpp
libbenchmark-dev    header  benchmark/benchmark.h
libeigen3-dev       header  Eigen/Core eigen3/Eigen/Core
libsentencepiece-dev header  sentencepiece_processor.h
liblinear-dev       header  linear.h
libsvm-dev          header  libsvm/svm.h svm.h
'

# Is the thing there, whatever package manager brought it?
lagom_present() {
  local kind=$1 name dir path=${CPATH:-} libraries=${LIBRARY_PATH:-}
  shift
  for name in "$@"; do
    case $kind in
      command) command -v "$name" > /dev/null && return 0 ;;
      runtime) [ -e "$("$name" --rtlib=compiler-rt -print-libgcc-file-name 2> /dev/null)" ] && return 0 ;;
      header) for dir in /usr/include /usr/local/include /opt/homebrew/include ${path//:/ }; do
                [ -e "$dir/$name" ] && return 0
              done ;;
      library) case "$(PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2> /dev/null)" in *"lib$name.so "*) return 0 ;; esac
               for dir in /usr/lib /usr/lib64 /usr/lib/*-linux-gnu* /usr/local/lib ${libraries//:/ }; do
                 [ -e "$dir/lib$name.so" ] && return 0
               done ;;
    esac
  done
  return 1
}

# lagom_need PACKAGE...: installs what is missing (Debian, Ubuntu), or says exactly what is.
lagom_need() {
  local missing=() package kind names
  while read -r package kind names; do
    [ -n "$package" ] || continue
    case " $* " in *" $package "*) ;; *) continue ;; esac
    # shellcheck disable=SC2086
    lagom_present "$kind" $names || missing+=("$package")
  done <<< "$lagom_packages"
  [ ${#missing[@]} -eq 0 ] && return 0
  if ! command -v apt-get > /dev/null; then
    say "Missing here: ${missing[*]} (names of the Debian packages). Install them with this system's package manager."
    return 1
  fi
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo > /dev/null || { say "Missing: ${missing[*]}. Installing them needs root or sudo."; return 1; }
    sudo=(sudo)
  fi
  say "Installing ${missing[*]}"
  local log
  log=$(mktemp)
  if ! { "${sudo[@]}" apt-get update -qq &&
         "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } > "$log" 2>&1; then
    tail -n 20 "$log" >&2
    say "apt-get could not install ${missing[*]}"
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
}

# Runs a command in silence; if it fails, shows what it said and stops the script.
lagom_quietly() {
  local log
  log=$(mktemp)
  if ! "$@" > "$log" 2>&1; then
    tail -n 60 "$log" >&2
    say "failed: $*"
    rm -f "$log"
    exit 1
  fi
  rm -f "$log"
}

# OpenBLAS falls back to its oldest kernels on processors newer than itself: name a core that it knows.
lagom_blas_core() {
  [ -z "${OPENBLAS_CORETYPE:-}" ] && [ -r /proc/cpuinfo ] || return 0
  if grep -qm1 avx512vl /proc/cpuinfo; then
    export OPENBLAS_CORETYPE=SkylakeX
  elif grep -qm1 avx2 /proc/cpuinfo; then
    export OPENBLAS_CORETYPE=Haswell
  fi
}
