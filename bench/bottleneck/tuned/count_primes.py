"""Known answer: interpreter. Plain Python on small integers: every step is a handful of bytecodes."""


def count_primes(limit):
    found = []
    for n in range(2, limit):
        for p in found:
            if p * p > n:
                found.append(n)
                break
            if n % p == 0:
                break
        else:
            found.append(n)
    return len(found)


print(count_primes(700_000))
