# Shared by quickstart and check: installing packages, building. Source it; the current folder is the project's root.

say() { printf '\n== %s\n' "$*"; }
die() { printf '%s\n' "$1" >&2; exit "${2:-4}"; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else
    die "cannot install packages: run as root, or install sudo, or install them yourself: $*"
  fi
}

# missing_packages LIST…: the Debian packages named in the files that are not installed, on one line.
missing_packages() {
  local missing=() name
  while read -r name; do
    dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q 'install ok installed' || missing+=("$name")
  done < <(sed 's/#.*//; /^ *$/d' "$@")
  echo "${missing[*]}"
}

# install_packages LIST…: those that are missing.
install_packages() {
  local missing
  read -r -a missing <<< "$(missing_packages "$@")"
  if [ ${#missing[@]} = 0 ]; then say "packages: all there"; return; fi
  command -v apt-get >/dev/null || die "this needs a Debian 12 machine (apt-get); the packages wanted are: ${missing[*]}" 5
  say "packages: installing ${missing[*]}"
  as_root apt-get update -q
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
}

# install_hdf5_plugins FOLDER: the compression filters (SZ3, ZFP, Blosc, …) of the PyPI wheel hdf5plugin, only its files.
install_hdf5_plugins() {
  local folder=$1
  if [ -d "$folder/hdf5plugin/plugins" ]; then say "HDF5 filters: already in $folder"; return; fi
  say "HDF5 filters: hdf5plugin from PyPI into $folder"
  rm -rf "$folder.part"
  if python3 -m pip install -q --no-deps --disable-pip-version-check --target "$folder.part" 'hdf5plugin==7.*'; then
    mkdir -p "$(dirname "$folder")"
    rm -rf "$folder"
    mv "$folder.part" "$folder"
  else
    rm -rf "$folder.part"
    echo "PyPI cannot be reached: going on without the HDF5 filters (SZ3, Blosc, …)" >&2
  fi
}

# build PRESET: configures and builds (presets quick and release share the folder build).
build() {
  local preset=$1 options=()
  command -v ccache >/dev/null && options+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  say "building (preset $preset, $(nproc) jobs)"
  cmake --preset "$preset" "${options[@]}" | sed -n '/^-- \(Build files\|Found\|Could\)/p'
  cmake --build --preset "$preset"
}
