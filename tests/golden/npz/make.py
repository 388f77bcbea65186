#!/usr/bin/python3
"""Makes the golden .npz and .npy files of this folder. Run in it; written with numpy 1.24.2.

The expected values stand in tests/data/golden_test.cpp.
"""
import numpy as np

DTYPES = "b1 i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8".split()


def main():
    table = (np.arange(12).reshape(4, 3) / 4).astype("<f4")
    names = np.array(["pt", "eta", "φ"])
    # A table with names beside it, as Baler writes it: stored, deflated, and in Fortran order.
    np.savez("table.npz", data=table, names=names)
    np.savez_compressed("table_deflated.npz", data=table, names=names)
    np.savez("table_fortran.npz", data=np.asfortranarray(table), names=names)
    # One column of each type and byte order, of different lengths, and things that are carried along.
    columns = {}
    for length, kind in enumerate(DTYPES):
        for order in "<>" if kind[1] != "1" else "|":
            values = np.arange(length) % 2 if kind == "b1" else np.arange(length)
            columns[("be_" if order == ">" else "") + kind] = values.astype(order + kind)
    np.savez("columns.npz", **columns, scalar=np.float64(2.5), words=np.array([b"ab", b"c"]), empty=np.zeros((3, 0)))
    # A field, C and Fortran order, and the header versions.
    field = np.arange(24, dtype=">i2").reshape(2, 3, 4)
    np.save("field.npy", field)
    np.save("field_fortran.npy", np.asfortranarray(field))
    for major in (2, 3):
        with open(f"version{major}.npy", "wb") as f:
            np.lib.format.write_array(f, np.arange(3, dtype="<u4"), version=(major, 0))
    # What is refused.
    np.save("object.npy", np.array([1, "a"], dtype=object), allow_pickle=True)
    np.savez("complex.npz", good=np.arange(2), bad=np.array([1j]))
    np.save("longdouble.npy", np.zeros(2, dtype=np.longdouble))
    np.save("structured.npy", np.zeros(2, dtype=[("a", "f4"), ("b", "i4")]))
    np.save("dates.npy", np.array(["2020-01-01"], dtype="M8[D]"))


if __name__ == "__main__":
    main()
