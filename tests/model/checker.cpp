// Exhaustive checker of the protocol in docs/design.md on small heaps (sequentially consistent memory).
//
// State: T mutators with L local references each and a bounded number of operations (OPS for the first thread, OPS1 for
// the others), N cells of F reference fields (cell 0 is a permanent counted root), one collector. Every slow-path step
// of a mutator (read fields and push incs, CAS, compensate, publish, push inc, exchange, push dec) and of the collector
// is a separate transition; a handshake can happen between any two operations. Epochs are kept relative to the one
// being processed. The collector may pick ANY set of counted cells as a cycle candidate, so the result does not depend
// on how candidates are found.
//
// Checked: a cell that is reachable from a local or from the root is never freed; no cell is freed twice;
// private-current cells are reached by nobody but their owner (I1); counts never fall below zero; and, with all threads
// at rest and four more epochs run, counts equal true in-degrees and no acyclic garbage is left.
//
// Prints OK and the number of states, or the path on which the search met a violation.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <unordered_set>
#include <vector>
using u8 = uint8_t;
using u64 = uint64_t;
#ifndef T
#define T 2
#endif
#ifndef N
#define N 4 // objects incl. root object 0
#endif
#ifndef F
#define F 1
#endif
#ifndef L
#define L 2
#endif
#ifndef OPS
#define OPS 4 // ops per thread
#endif
#ifndef OPS1
#define OPS1 OPS
#endif
static const int BUD[3] = {OPS, OPS1, OPS1};
#ifndef EPOCHS
#define EPOCHS 3
#endif
// Weak cells (-DWEAK, W of them) are 0 unused, 1 LIVE, 2 PENDING, 3 CLEARED, 4 MOVED: then the word of the candidate
// decides, which is LIVE, PENDING or CLEARED. wcool: PENDING since an earlier epoch. pend: 1 the object has a hold, 2 to be
// decided in this epoch. With -DEPH a key with a weak cell has one more field, hidden: its value in an ephemeron.
#ifndef W
#define W 1
#endif
#ifdef EPH
#define FF (F + 1)
#else
#define FF F
#endif
enum { FREE, PCUR, POLD, CNT };
enum { M_IDLE, M_CHECK, M_PLAIN, M_PRD, M_PSELF, M_PCAS, M_COMP, M_PUB, M_INC, M_XCHG, M_DEC, M_WCAS, M_WPUSH, M_WGRP };
enum {
  C_REQ,
  C_WAIT,
  C_WL,
  C_PRD,
  C_PCAS,
  C_DRAIN,
  C_DECS,
  C_DECOBJ,
  C_SWEEP,
  C_NEXT,
  C_SIGPICK,
  C_SIG,
  C_TEST,
  C_FILTER,
  C_WMOVE
};
struct Th {
  u8 loc[L];
  u8 acked, ops, pc, x, f, v, old, i, w, tmp[F], seen; // seen: weak cells loaded since the last handshake
  u8 inc[N], incRet[N];
  u8 stk[N], stkPrev[N];
  u8 raw[N];
};
struct S {
  u8 st[N], own[N], born1[N], fld[N][FF], rc[N];
  Th t[T];
  u8 decPrev[N], dec0[N], dec1[N];
  u8 cpc, ep, cx, ci, ctmp[F], wl[N], dq[N], drained;
  u8 mask, valid, ext, sg, crc[N], cand;
  u8 first, filt, fi, rounds, skip;
  u8 wst[W], wt[W], wcool[W], pend[W], grp, wi, dropped;
};
static u64 hs(const S &s) {
  const u8 *p = (const u8 *)&s;
  u64 h = 1469598103934665603ull, g = 88172645463325252ull;
  for (size_t i = 0; i < sizeof(S); i++) {
    h ^= p[i];
    h *= 1099511628211ull;
    g = (g ^ p[i]) * 0x9E3779B97F4A7C15ull;
    g ^= g >> 29;
  }
  return h ^ (g << 1) ^ (g >> 31);
}
struct HS {
  std::vector<u64> v;
  size_t n = 0, mask;
  HS(size_t b) : v(1ull << b, 0), mask((1ull << b) - 1) {}
  bool add(u64 h) {
    if (!h)
      h = 1;
    size_t i = h & mask;
    while (v[i]) {
      if (v[i] == h)
        return false;
      i = (i + 1) & mask;
    }
    v[i] = h;
    n++;
    if (n * 10 > v.size() * 7)
      grow();
    return true;
  }
  void grow() {
    std::vector<u64> o;
    o.swap(v);
    v.assign(o.size() * 2, 0);
    mask = v.size() - 1;
    for (u64 h : o)
      if (h) {
        size_t i = h & mask;
        while (v[i])
          i = (i + 1) & mask;
        v[i] = h;
      }
  }
};
static void reach(const S &s, bool *r) {
  memset(r, 0, N);
  u8 q[N];
  int n = 0;
  r[0] = 1;
  q[n++] = 0;
  auto ad = [&](u8 o) {
    if (o != 255 && !r[o]) {
      r[o] = 1;
      q[n++] = o;
    }
  };
  for (int t = 0; t < T; t++) {
    for (int l = 0; l < L; l++)
      ad(s.t[t].loc[l]);
    if (s.t[t].pc != M_IDLE) {
      ad(s.t[t].x);
      if (s.t[t].pc <= M_XCHG)
        ad(s.t[t].v);
    }
  }
  for (int i = 0; i < n; i++)
    for (int f = 0; f < FF; f++)
      ad(s.fld[q[i]][f]);
}
static const char *bad = nullptr;
static bool getenv_noStale = false;
static void freeObj(S &s, int o) {
  bool r[N];
  reach(s, r);
  if (r[o]) {
    bad = "freed a reachable object";
  }
  if (s.st[o] == FREE) {
    bad = "double free";
  }
#ifdef WEAK
  for (int w = 0; w < W; w++)
    if (s.wt[w] == o) {
      if (s.wst[w] != 3)
        bad = "freed an object whose weak cell is not cleared";
      s.wt[w] = 255;
    }
#endif
  s.st[o] = FREE;
  s.own[o] = 0;
  s.born1[o] = 0;
  s.rc[o] = 0;
  for (int f = 0; f < FF; f++)
    s.fld[o][f] = 255;
}
static bool weakOf(const S &s, int o, int *cell) {
  for (int w = 0; w < W; w++)
    if (s.wst[w] != 0 && s.wt[w] == o) {
      *cell = w;
      return true;
    }
  return false;
}
static void bump(S &s, int t) {
  for (int o = 0; o < N; o++)
    if (s.st[o] == PCUR && s.own[o] == t)
      s.st[o] = POLD;
}
static void pdec(S &s, int t, int o) {
  if (o == 255)
    return;
  if (s.t[t].acked)
    s.dec1[o]++;
  else
    s.dec0[o]++;
}
static void pinc(S &s, int t, int o) {
  if (o == 255)
    return;
  s.t[t].inc[o]++;
}
static void idle(Th &h) {
  h.pc = M_IDLE;
  h.x = h.v = h.old = 255;
  h.f = h.i = h.w = 0;
  for (int f = 0; f < F; f++)
    h.tmp[f] = 255;
}
// Frees a candidate, or gives it up.
static void endCandidate(S &n, bool dead) {
  const S s = n;
  int m = s.mask;
  n.mask = n.valid = n.ext = n.cand = 0;
  memset(n.crc, 0, N);
  n.cpc = dead ? C_DECS : C_SWEEP;
  if (!dead)
    return;
  for (int o = 1; o < N; o++)
    if (m >> o & 1)
      for (int f = 0; f < FF; f++) {
        u8 y = s.fld[o][f];
        if (y != 255 && !(m >> y & 1))
          n.dq[y]++;
      }
  bool r[N];
  reach(s, r);
  for (int o = 1; o < N; o++)
    if (m >> o & 1) {
      if (r[o])
        bad = "cycle: freed a reachable object";
      n.st[o] = FREE;
      n.own[o] = 0;
      n.born1[o] = 0;
      n.rc[o] = 0;
      for (int f = 0; f < FF; f++)
        n.fld[o][f] = 255;
      for (int w = 0; w < W; w++)
        if (n.wt[w] == o)
          n.wt[w] = 255;
    }
  for (int o = 1; o < N; o++)
    if (m >> o & 1)
      for (int p = 0; p < N; p++)
        if (n.st[p] != FREE && p != o)
          for (int f = 0; f < FF; f++)
            if (n.fld[p][f] == o && r[p])
              bad = "dangling";
}
template <class CB> static void succ(const S &s, CB cb) {
  char b[96];
  for (int t = 0; t < T; t++) {
    const Th &h = s.t[t];
    switch (h.pc) {
    case M_IDLE: {
      // handshake
      if (s.cpc == C_WAIT && !h.acked) {
        S n = s;
        Th &k = n.t[t];
#ifdef CONS
        for (int l = 0; l < L; l++)
          if (k.loc[l] != 255)
            k.raw[k.loc[l]]++;
#else
        for (int l = 0; l < L; l++)
          if (k.loc[l] != 255)
            k.stk[k.loc[l]]++;
#endif
        bump(n, t);
        for (int o = 0; o < N; o++) {
          k.incRet[o] += k.inc[o];
          k.inc[o] = 0;
        }
        k.acked = 1;
#ifndef WK_SEEN_EVER
        k.seen = 0;
#endif
        sprintf(b, "T%d handshake", t);
        cb(n, b);
#ifdef CONS
        if (!getenv_noStale)
          for (int o = 1; o < N; o++) {
            S m = n;
            m.t[t].raw[o]++;
            sprintf(b, "T%d handshake stale o%d", t, o);
            cb(m, b);
          }
#endif
      }
      if (h.ops < BUD[t]) {
        // alloc: lowest free cell (symmetry), into any local
        int o = -1;
        for (int i = 1; i < N; i++)
          if (s.st[i] == FREE) {
            o = i;
            break;
          }
        if (o > 0)
          for (int l = 0; l < L; l++) {
            S n = s;
            n.st[o] = PCUR;
            n.own[o] = t;
            n.born1[o] = s.t[t].acked;
            n.rc[o] = 0;
            n.t[t].loc[l] = o;
            n.t[t].ops++;
            sprintf(b, "T%d l%d=new o%d", t, l, o);
            cb(n, b);
          }
        // load
        for (int l = 0; l < L; l++)
          for (int src = -1; src < L; src++) {
            u8 x = src < 0 ? 0 : h.loc[src];
            if (x == 255)
              continue;
            for (int f = 0; f < FF; f++) {
              if (s.fld[x][f] == h.loc[l])
                continue;
              S n = s;
              n.t[t].loc[l] = s.fld[x][f];
              n.t[t].ops++;
              sprintf(b, "T%d l%d=o%d.%d (o%d)", t, l, x, f, s.fld[x][f]);
              cb(n, b);
            }
          }
        // drop a local (free of charge)
        for (int l = 0; l < L; l++)
          if (h.loc[l] != 255) {
            S n = s;
            n.t[t].loc[l] = 255;
            sprintf(b, "T%d drop l%d", t, l);
            cb(n, b);
          }
#ifdef WEAK
        int fresh = 255, has;
        for (int w = W - 1; w >= 0; w--)
          if (s.wst[w] == 0)
            fresh = w;
        for (int l = 0; l < L; l++)
          if (fresh != 255 && h.loc[l] != 255 && h.loc[l] != 0 && !weakOf(s, h.loc[l], &has)) {
            S n = s;
            Th &k = n.t[t];
            k.x = h.loc[l];
            k.f = 254;
            k.w = fresh;
            k.ops++;
            if (s.st[k.x] == PCUR) {
#ifndef WK_PRIV
              bump(n, t);
              k.pc = M_PRD;
              k.i = 0;
#else
              k.pc = M_PUB;
#endif
            } else if (s.st[k.x] == POLD) {
              k.pc = M_PRD;
              k.i = 0;
            } else
              k.pc = M_PUB;
            sprintf(b, "T%d weak-create o%d", t, k.x);
            cb(n, b);
          }
        for (int w = 0; w < W; w++)
          for (int l = 0; l < L; l++)
            if (s.wst[w] != 0 && (s.wst[w] != 3 || (h.seen >> w & 1))) {
              if (s.wst[w] == 3 || s.wt[w] == 255)
                bad = "weak cell cleared while a thread has just loaded it";
              S n = s;
              Th &k = n.t[t];
              k.f = l;
              k.w = w;
              k.ops++;
              if (h.seen >> w & 1) { // the inc and dec of the last load speak for this one
                k.loc[l] = s.wt[w];
                idle(k);
              } else if (s.wst[w] == 1) {
                k.x = s.wt[w];
                k.pc = M_WPUSH;
              } else if (s.wst[w] == 4) {
                k.pc = M_WGRP;
              } else {
#ifdef WK_INCFIRST
                pinc(n, t, s.wt[w]);
                pdec(n, t, s.wt[w]);
#endif
                k.pc = M_WCAS;
              }
              sprintf(b, "T%d weak-load %d sees %d", t, w, s.wst[w]);
              cb(n, b);
            }
#ifdef EPH_BARE
        for (int o = 1; o < N; o++) // drops an edge without holding its key
          if (s.fld[o][F] != 255) {
            S n = s;
            pdec(n, t, s.fld[o][F]);
            n.fld[o][F] = 255;
            n.t[t].ops++;
            cb(n, "T drops an edge");
          }
#endif
#endif
        // store
        for (int dst = -1; dst < L; dst++) {
          u8 x = dst < 0 ? 0 : h.loc[dst];
          if (x == 255)
            continue;
          if (dst >= 0) {
            bool dup = false;
            for (int p = 0; p < dst; p++)
              if (h.loc[p] == x)
                dup = true;
            if (dup)
              continue;
          }
          for (int f = 0; f < FF; f++)
            for (int src = -1; src < L; src++) {
#ifdef EPH
              int cell;
              if (f == F && (!weakOf(s, x, &cell) || s.st[x] != CNT))
                continue;
#endif
              u8 v = src < 0 ? 255 : h.loc[src];
              if (src > 0 && h.loc[src] == h.loc[0])
                continue;
              if (src >= 0 && v == 255)
                continue;
              if (s.fld[x][f] == v && v == 255)
                continue;
              S n = s;
              Th &k = n.t[t];
              k.x = x;
              k.f = f;
              k.v = v;
              k.pc = M_CHECK;
              k.ops++;
              sprintf(b, "T%d store o%d.%d=o%d", t, x, f, v);
              cb(n, b);
            }
        }
      }
    } break;
    case M_CHECK: {
      S n = s;
      Th &k = n.t[t];
      if (s.st[h.x] == PCUR && s.own[h.x] == t)
        k.pc = M_PLAIN;
      else if (s.st[h.x] == PCUR) {
        bad = "I1: another thread reached a PRIVATE-current object";
        k.pc = M_PLAIN;
      } else if (s.st[h.x] == POLD) {
        k.pc = M_PRD;
        k.i = 0;
      } else if (s.st[h.x] == CNT) {
        k.pc = M_PUB;
      } else
        bad = "store into a free cell";
      sprintf(b, "T%d check", t);
      cb(n, b);
    } break;
    case M_PLAIN: {
      S n = s;
      Th &k = n.t[t];
      n.fld[h.x][h.f] = h.v;
      idle(k);
      sprintf(b, "T%d plain", t);
      cb(n, b);
    } break;
    case M_PRD: {
      S n = s;
      Th &k = n.t[t];
      k.tmp[h.i] = s.fld[h.x][h.i];
#ifndef BUG_CAS_FIRST
      pinc(n, t, k.tmp[h.i]);
#endif
      if (++k.i == F) {
#ifndef BUG_CAS_FIRST
        pinc(n, t, h.x);
        pdec(n, t, h.x);
#endif
        k.pc = M_PCAS;
      }
      sprintf(b, "T%d promote-read", t);
      cb(n, b);
    } break;
    case M_PCAS: {
      S n = s;
      Th &k = n.t[t];
      if (s.st[h.x] == POLD) {
        n.st[h.x] = CNT;
#ifdef BUG_CAS_FIRST
        k.pc = M_PSELF;
#else
        k.pc = M_PUB;
#endif
      } else {
#ifdef BUG_CAS_FIRST
        k.pc = M_PUB;
#else
        k.pc = M_COMP;
#endif
      }
      sprintf(b, "T%d promote-CAS", t);
      cb(n, b);
    } break;
    case M_PSELF: {
      S n = s;
      Th &k = n.t[t];
      for (int f = 0; f < F; f++)
        pinc(n, t, k.tmp[f]);
      pinc(n, t, h.x);
      pdec(n, t, h.x);
      k.pc = M_PUB;
      sprintf(b, "T%d late push", t);
      cb(n, b);
    } break;
    case M_COMP: {
      S n = s;
      Th &k = n.t[t];
#ifndef BUG_NO_COMP
      for (int f = 0; f < F; f++)
        pdec(n, t, k.tmp[f]);
        // inc(x)/dec(x) pair already balanced
#endif
      k.pc = M_PUB;
      sprintf(b, "T%d compensate", t);
      cb(n, b);
    } break;
    case M_WCAS: {
      S n = s;
      Th &k = n.t[t];
      int w = h.w;
      if (s.wst[w] == 2 || s.wst[w] == 1) {
        n.wst[w] = 1;
        k.x = s.wt[w];
        k.pc = M_WPUSH;
      } else if (s.wst[w] == 4) {
        k.pc = M_WGRP;
      } else {
        k.loc[h.f] = 255;
        idle(k);
      }
#ifdef WK_INCFIRST
      if (k.pc == M_WPUSH) {
        k.loc[h.f] = k.x;
        idle(k);
      }
#endif
      sprintf(b, "T%d weak-rescue %d", t, w);
      cb(n, b);
    } break;
    case M_WGRP: {
      S n = s;
      Th &k = n.t[t];
      if (s.grp != 3) {
        n.grp = 1;
        k.x = s.wt[h.w];
        k.pc = M_WPUSH;
      } else {
        k.loc[h.f] = 255;
        idle(k);
      }
      sprintf(b, "T%d weak-rescue of the candidate", t);
      cb(n, b);
    } break;
    case M_WPUSH: {
      S n = s;
      Th &k = n.t[t];
      pinc(n, t, h.x);
      pdec(n, t, h.x);
      k.loc[h.f] = h.x;
      k.seen |= 1 << h.w;
      idle(k);
      sprintf(b, "T%d weak push inc dec", t);
      cb(n, b);
    } break;
    case M_PUB: {
      S n = s;
      Th &k = n.t[t];
      if (h.f == 254) {
        int has;
        if (s.wst[h.w] == 0 && !weakOf(s, h.x, &has)) {
          n.wst[h.w] = 2;
          n.wcool[h.w] = 1;
          n.wt[h.w] = h.x;
        }
        idle(k);
        sprintf(b, "T%d weak cell set", t);
        cb(n, b);
        break;
      }
      if (h.v != 255 && s.st[h.v] == PCUR && s.own[h.v] == t) {
#ifdef PUBLISH_CLOSURE
        u8 q[N];
        int c = 0;
        q[c++] = h.v;
        n.st[h.v] = CNT;
        pinc(n, t, h.v);
        pdec(n, t, h.v);
        for (int i = 0; i < c; i++)
          for (int f = 0; f < F; f++) {
            u8 y = n.fld[q[i]][f];
            if (y == 255)
              continue;
            pinc(n, t, y);
            if (n.st[y] == PCUR && n.own[y] == t) {
              n.st[y] = CNT;
              q[c++] = y;
            }
          }
#elif !defined(BUG_NO_BUMP)
        bump(n, t);
#endif
      }
      k.pc = M_INC;
      sprintf(b, "T%d publish", t);
      cb(n, b);
    } break;
    case M_INC: {
      S n = s;
      Th &k = n.t[t];
#ifdef EPH_NOINC
      if (h.f != F)
#endif
#ifndef BUG_INC_AFTER
      pinc(n, t, h.v);
#endif
      k.pc = M_XCHG;
      sprintf(b, "T%d log inc", t);
      cb(n, b);
    } break;
    case M_XCHG: {
      S n = s;
      Th &k = n.t[t];
      k.old = s.fld[h.x][h.f];
      n.fld[h.x][h.f] = h.v;
      k.pc = M_DEC;
      sprintf(b, "T%d xchg", t);
      cb(n, b);
    } break;
    case M_DEC: {
      S n = s;
      Th &k = n.t[t];
      pdec(n, t, h.old);
#ifdef BUG_INC_AFTER
      pinc(n, t, h.v);
#endif
      idle(k);
      sprintf(b, "T%d log dec", t);
      cb(n, b);
    } break;
    }
  }
  // collector
  {
    S n = s;
    bool ok = true;
    const char *lb = "C";
    switch (s.cpc) {
    case C_REQ:
      if (s.ep >= EPOCHS) {
        ok = false;
        break;
      }
      n.cpc = C_WAIT;
      n.ep++;
      lb = "C request epoch";
      break;
    case C_WAIT: {
#ifdef SIG_IN_WAIT
      if (s.cand == 1 && s.valid) {
        S k = s;
        int u = s.sg / F, f = s.sg % F;
        k.sg++;
        if (s.mask >> u & 1) {
          u8 y = s.fld[u][f];
          if (y != 255 && (s.mask >> y & 1) && k.crc[y] > 0)
            k.crc[y]--;
        }
        if (k.sg == N * F) {
          int e = 0;
          for (int o = 0; o < N; o++)
            e += k.crc[o];
          k.ext = e;
          k.sg = 0;
          memset(k.crc, 0, N);
          k.cand = 2;
        }
        cb(k, "C sigma read while waiting");
      }
#endif
#ifdef PICK_IN_WAIT
      if (s.cand == 0)
        for (int m = 1; m < (1 << (N - 1)); m++) {
          int mk = m << 1;
          bool all = true;
          for (int o = 1; o < N; o++)
            if ((mk >> o & 1) && s.st[o] != CNT)
              all = false;
          if (!all)
            continue;
          S k = s;
          k.mask = mk;
          k.valid = 1;
          k.sg = 0;
          k.cand = 1;
          for (int o = 0; o < N; o++)
            k.crc[o] = (mk >> o & 1) ? s.rc[o] : 0;
          char bb[64];
          sprintf(bb, "C candidate set in wait %x", mk);
          cb(k, bb);
        }
#endif
      for (int t = 0; t < T; t++)
        if (!s.t[t].acked)
          ok = false;
      if (!ok)
        break;
      for (int t = 0; t < T; t++)
        for (int o = 0; o < N; o++) {
          n.wl[o] += s.t[t].stk[o] + s.t[t].incRet[o];
          n.t[t].incRet[o] = 0;
        }
      n.cpc = C_WL;
#ifdef EPH
      for (int o = 1; o < N; o++)
        if (s.fld[o][F] != 255 && !s.dropped) { // the table dies: its edges go
          S k = n;
          k.dropped = 1;
#ifdef EPH_NOW
          k.decPrev[s.fld[o][F]]++;
#else
          k.dec0[s.fld[o][F]]++;
#endif
#ifndef EPH_NOTOUCH
          if (k.mask >> s.fld[o][F] & 1)
            k.valid = 0;
#endif
          k.fld[o][F] = 255;
          cb(k, "C all acked, an edge dropped");
        }
#endif
      lb = "C all acked";
    } break;
    case C_WL: {
      int o = -1;
      for (int i = 0; i < N; i++)
        if (s.wl[i]) {
          o = i;
          break;
        }
      if (o < 0) {
        n.cpc = C_DRAIN;
        n.ci = 0;
        n.drained = 0;
        n.skip = 0;
        lb = "C worklist empty";
#ifdef FILTER_EARLY
        if (!s.filt) {
          n.cpc = C_FILTER;
          n.fi = 0;
          lb = "C to filter";
          break;
        }
#endif
#ifdef FILTER_LAST
        if (s.filt) {
          n.ci = T - 1;
          n.skip = 1;
          break;
        }
#endif
#ifndef DRAIN_UNTIL_EMPTY
        if (s.rounds && !s.first) {
          n.ci = T - 1;
          n.skip = 1;
          lb = "C stop draining";
          break;
        }
#endif
        n.rounds = 1;
        n.first = 0;
        break;
      }
      n.wl[o]--;
      n.rc[o]++;
      if (s.rc[o] == 0 && !s.born1[o])
        n.first = 1;
#ifndef BUG_NO_DELTA
      if ((n.mask >> o & 1) && n.valid != 3)
        n.valid = 0;
#endif
      if (s.st[o] == FREE)
        bad = "inc of a free cell";
      if (s.st[o] == PCUR)
        bad = "I1: collector reached a PRIVATE-current object";
      if (s.st[o] == POLD) {
        n.cx = o;
        n.ci = 0;
        n.cpc = C_PRD;
      }
      lb = "C inc";
    } break;
    case C_PRD:
      n.ctmp[s.ci] = s.fld[s.cx][s.ci];
      if (++n.ci == F)
        n.cpc = C_PCAS;
      lb = "C promote-read";
      break;
    case C_PCAS:
      if (s.st[s.cx] == POLD) {
        n.st[s.cx] = CNT;
        for (int f = 0; f < F; f++)
          if (s.ctmp[f] != 255)
            n.wl[s.ctmp[f]]++;
      }
      for (int f = 0; f < F; f++)
        n.ctmp[f] = 255;
      n.cx = 255;
      n.ci = 0;
      n.cpc = C_WL;
      lb = "C promote-CAS";
      break;
    case C_DRAIN: { // drain thread ci

#ifndef BUG_NO_DRAIN
      if (!s.skip)
        for (int o = 0; o < N; o++) {
          if (s.t[s.ci].inc[o]) {
            n.wl[o] += s.t[s.ci].inc[o];
            n.t[s.ci].inc[o] = 0;
            n.drained = 1;
          }
        }
#endif
      if (++n.ci == T) {
        n.ci = 0;
        if (n.drained)
          n.cpc = C_WL;
        else
          n.cpc = C_DECS;
        n.drained = 0;
        n.skip = 0;
        n.rounds = n.rounds;
#ifdef CONS
        if (n.cpc == C_DECS && !s.filt) {
          n.cpc = C_FILTER;
          n.fi = 0;
          n.rounds = 0;
          n.first = 0;
          lb = "C to filter";
          break;
        }
#endif
        if (n.cpc == C_DECS) {
          n.rounds = 0;
          n.first = 0;
          n.filt = 0;
          for (int o = 0; o < N; o++) {
#ifdef BUG_DEC_NOW
            n.dq[o] += s.decPrev[o] + s.dec0[o];
            n.decPrev[o] = 0;
            n.dec0[o] = 0;
#else
            n.dq[o] += s.decPrev[o];
            n.decPrev[o] = 0;
#endif
            for (int t = 0; t < T; t++) {
              n.dq[o] += s.t[t].stkPrev[o];
              n.t[t].stkPrev[o] = 0;
            }
          }
        }
      }
      lb = "C drain";
    } break;
    case C_FILTER: {
      int t = s.fi / N, o = s.fi % N; // one word at a time
      bool acc = s.rc[o] > 0;
#ifdef FILTER_ANYPRIV
      if (s.rc[o] == 0 && (s.st[o] == POLD || s.st[o] == PCUR))
        acc = true;
#elif defined(FILTER_ANYOLD)
      if (s.rc[o] == 0 && s.st[o] == POLD)
        acc = true;
#else
      if (s.rc[o] == 0 && s.st[o] == POLD && !s.born1[o])
        acc = true;
#endif
#ifdef FILTER_COUNTED0
      if (s.st[o] == CNT)
        acc = true;
#endif
      if (s.st[o] == FREE)
        acc = false;
      if (acc) {
        n.t[t].stk[o] += s.t[t].raw[o];
        n.wl[o] += s.t[t].raw[o];
      }
      n.t[t].raw[o] = 0;
      if (++n.fi == T * N) {
        n.fi = 0;
        n.filt = 1;
        n.cpc = C_WL;
        n.rounds = 0;
      }
      lb = "C filter word";
    } break;
    case C_DECS: {
      int o = -1;
      for (int i = 0; i < N; i++)
        if (s.dq[i]) {
          o = i;
          break;
        }
#ifdef WEAK
      int due = -1;
      for (int w = 0; w < W; w++)
        if (s.pend[w] == 2)
          due = w;
      if (o < 0 && due >= 0) {
        int w = s.wt[due];
        u8 &st = n.wst[due];
        n.pend[due] = 0;
        lb = "C weak decision";
#ifdef NOHOLD
        if (st == 2 && (s.rc[w] == 0
#ifdef WK_NOCOUNT
                        || true
#endif
                        )) {
          st = 3;
          for (int f = 0; f < FF; f++)
            if (s.fld[w][f] != 255)
              n.dq[s.fld[w][f]]++;
          freeObj(n, w);
        } else if (st == 2)
          st = 1;
#else
        if (st == 2 && (s.rc[w] == 1
#ifdef WK_NOCOUNT
                        || true
#endif
                        )) {
          st = 3;
#ifdef WK_NOCOUNT
          n.dq[w] += s.rc[w];
#else
          n.dq[w]++;
#endif
        } else {
          st = 1;
#ifdef WK_IMMEDIATE
          n.dq[w]++;
#else
          n.dec0[w]++;
#endif
        }
#endif
        break;
      }
#endif
      if (o < 0) {
        n.cpc = s.cand == 2 ? C_TEST : C_SWEEP;
        lb = "C decs done";
        break;
      }
      n.dq[o]--;
      if ((n.mask >> o & 1) && n.valid != 3)
        n.valid = 0;
      if (s.rc[o] == 0) {
        bad = "count below zero";
        break;
      }
      n.rc[o]--;
      if (s.st[o] != CNT)
        bad = "dec of an object that is not counted";
#ifdef WEAK
      int cell;
      if (n.rc[o] == 0 && weakOf(s, o, &cell)) {
        u8 &st = n.wst[cell];
        if (st == 2 && s.wcool[cell]) {
          st = 3; // nobody has loaded it since an earlier epoch: decided at once
        } else if (st == 1 || st == 2) {
#ifdef WK_SAME
          st = 3;
#else
          if (st == 1) {
            st = 2;
            n.wcool[cell] = 0;
          }
          n.pend[cell] = 1;
#ifndef NOHOLD
          n.rc[o] = 1;
#endif
          lb = "C dec, pending";
          break;
#endif
        }
      }
#endif
      if (n.rc[o] == 0) {
#ifdef EPH_NORELEASE
        for (int f = 0; f < F; f++)
#else
        for (int f = 0; f < FF; f++)
#endif
          if (s.fld[o][f] != 255)
            n.dq[s.fld[o][f]]++;
        freeObj(n, o);
      }
      lb = "C dec";
    } break;
    case C_SWEEP: {
      for (int o = 1; o < N; o++)
        if ((s.st[o] == POLD) && !s.born1[o]) {
          if (s.rc[o])
            bad = "sweep: private with count";
          freeObj(n, o);
        } else if (s.st[o] == CNT && s.rc[o] == 0 && !s.born1[o]
#ifdef NOHOLD
                   && !(s.wt[0] == o && s.wst[0] == 2)
#endif
        ) {
          bad = "sweep by count: counted object with count zero";
        } else if (s.st[o] == PCUR && !s.born1[o])
          bad = "sweep: current-tag object of an old epoch";
      n.cpc = C_SIGPICK;
      lb = "C sweep";
    } break;
    case C_TEST: {
      bool okc = s.valid
#ifndef BUG_NO_SIGMA
                 && s.ext == 0
#endif
          ;
#ifdef WEAK
      if (okc) {
        bool warm = false;
        for (int w = 0; w < W; w++)
          if (s.wst[w] != 0 && s.wst[w] != 3 && s.wt[w] != 255 && (s.mask >> s.wt[w] & 1)) {
#ifdef WK_CYCLE_SAME
            n.wst[w] = 2;
#else
            if (s.wst[w] == 1) {
              n.wst[w] = 2;
              n.wcool[w] = 0;
            }
            if (!n.wcool[w])
              warm = true;
#endif
          }
        if (warm) { // tested again in the next epoch: the delta window extends to the decision
#ifdef WK_NO_WINDOW
          n.valid = 3; // touches from here on are not noticed
#endif
          n.cpc = C_SWEEP;
          lb = "C puts the candidate off";
        } else {
          n.grp = 2;
          n.wi = 0;
          n.cpc = C_WMOVE;
          lb = "C decides on a candidate";
        }
        break;
      }
#endif
      lb = okc ? "C free cycle" : "C reject cycle";
      endCandidate(n, okc);
    } break;
    case C_WMOVE: {
      int w = s.wi, m = s.mask;
      if (w < W) {
        n.wi++;
        lb = "C takes over a weak cell";
        if (s.wst[w] == 0 || s.wst[w] == 3 || s.wt[w] == 255 || !(m >> s.wt[w] & 1))
          break;
        if (s.wst[w] == 2) {
#ifdef WK_EACH
          n.wst[w] = 3;
#else
          n.wst[w] = 4;
#endif
          break;
        }
        n.grp = 1; // loaded meanwhile
        n.wi = W;
        break;
      }
      bool dead = s.grp == 2;
      if (dead)
        n.grp = 3;
      for (int i = 0; i < W; i++)
        if (s.wt[i] != 255 && (m >> s.wt[i] & 1)) {
          if (s.wst[i] == 3 && !dead)
            bad = "weak cell of a rescued cycle is cleared";
          if (s.wst[i] == 4) {
            n.wst[i] = dead ? 3 : 2;
            n.wcool[i] = 0;
          }
        }
      lb = dead ? "C free cycle" : "C cycle rescued";
      endCandidate(n, dead);
    } break;
    case C_SIGPICK: {
      if (s.cand == 2) {
        n.cpc = C_NEXT;
        lb = "C candidate waits";
        break;
      }
#ifdef SLICED
      if (s.cand == 1) { // resume or abandon a preparation that an epoch interrupted
        if (s.valid)
          n.cpc = C_SIG;
        else {
          n.mask = n.valid = n.ext = n.cand = n.sg = 0;
          memset(n.crc, 0, N);
          n.cpc = C_NEXT;
        }
        lb = "C resume candidate";
        break;
      }
#endif
#ifndef NO_CYCLES
      // any subset of counted objects, any order: choose nondeterministically
      for (int m = 1; m < (1 << (N - 1)); m++) {
        int mk = m << 1;
        bool all = true;
        for (int o = 1; o < N; o++)
          if ((mk >> o & 1) && s.st[o] != CNT)
            all = false;
        if (!all)
          continue;
        S k = s;
        k.mask = mk;
        k.valid = 1;
        k.sg = 0;
        k.cand = 1;
        for (int o = 0; o < N; o++)
          k.crc[o] = (mk >> o & 1) ? s.rc[o] : 0;
        k.cpc = C_SIG;
        char bb[64];
        sprintf(bb, "C candidate set %x", mk);
        cb(k, bb);
      }
#endif
      n.cpc = C_NEXT;
      lb = "C no candidate";
    } break;
    case C_SIG: {
      int u = s.sg / FF, f = s.sg % FF;
      n.sg++;
      if (s.mask >> u & 1) {
        u8 y = s.fld[u][f];
        if (y != 255 && (s.mask >> y & 1) && n.crc[y] > 0)
          n.crc[y]--;
      }
      if (n.sg == N * FF) {
        int e = 0;
        for (int o = 0; o < N; o++)
          e += n.crc[o];
        n.ext = e;
        n.sg = 0;
        memset(n.crc, 0, N);
        n.cand = 2;
        n.cpc = C_NEXT;
#ifdef BUG_TEST_NOW
        n.cpc = C_TEST;
#endif
      }
#ifdef SLICED
      else {
        S k = n;
        k.cpc = C_NEXT;
        cb(k, "C sigma read, slice ends");
      }
#endif
      lb = "C sigma read";
    } break;
    case C_NEXT: {
      for (int w = 0; w < W; w++) {
        if (s.pend[w] == 1)
          n.pend[w] = 2;
        if (s.wst[w] == 1)
          n.wst[w] = 2;
        n.wcool[w] = s.wst[w] == 1 || s.wst[w] == 2;
      }
      for (int o = 0; o < N; o++) {
        n.decPrev[o] = s.dec0[o];
        n.dec0[o] = s.dec1[o];
        n.dec1[o] = 0;
        n.born1[o] = 0;
      }
      for (int t = 0; t < T; t++) {
        n.t[t].acked = 0;
        for (int o = 0; o < N; o++) {
          n.t[t].stkPrev[o] = s.t[t].stk[o];
          n.t[t].stk[o] = 0;
        }
      }
      n.cpc = C_REQ;
      lb = "C next";
    } break;
    }
    if (ok)
      cb(n, lb);
  }
}
// quiescence check: all threads idle, no more ops: run collector epochs deterministically
static void quiesce(S s) {
  for (int k = 0; k < 4
#ifdef WEAK
                          + 4
#endif
       ;
       k++) { // request
    if (s.cpc == C_REQ) {
      s.ep = 0;
      s.mask = s.valid = s.ext = s.cand = 0;
    }
    int guard = 0;
    do {
      bool moved = false;
      if (s.cpc == C_WAIT) {
        for (int t = 0; t < T; t++)
          if (!s.t[t].acked) {
            Th &h = s.t[t];
            for (int l = 0; l < L; l++)
              if (h.loc[l] != 255)
#ifdef CONS
                h.raw[h.loc[l]]++;
#else
                h.stk[h.loc[l]]++;
#endif
            bump(s, t);
            for (int o = 0; o < N; o++) {
              h.incRet[o] += h.inc[o];
              h.inc[o] = 0;
            }
            h.acked = 1;
          }
      }
      S nx;
      bool got = false;
      S cur = s;
      for (int t = 0; t < T; t++)
        cur.t[t].ops = BUD[t];
      // take the collector's move: it is the last callback
      succ(cur, [&](const S &n, const char *lb) {
        if (lb[0] == 'C') {
          nx = n;
          got = true;
        }
      });
      if (got) {
        s = nx;
        moved = true;
      }
      if (!moved || bad)
        break;
      if (++guard > 10000) {
        bad = "quiesce does not end";
        break;
      }
    } while (s.cpc != C_REQ);
    if (bad)
      return;
  }
  // now: every unreachable acyclic object freed; counts equal in-degree + stack refs (stack bufs of last epoch)
  bool r[N];
  reach(s, r);
  int deg[N] = {0};
  for (int o = 0; o < N; o++)
    if (s.st[o] != FREE)
      for (int f = 0; f < FF; f++)
        if (s.fld[o][f] != 255)
          deg[s.fld[o][f]]++;
  for (int t = 0; t < T; t++)
    for (int l = 0; l < L; l++)
      if (s.t[t].loc[l] != 255)
        deg[s.t[t].loc[l]]++;
  for (int o = 1; o < N; o++) {
    if (r[o]) {
      if (s.st[o] != CNT) {
        bad = "quiesce: reachable but not counted";
      } else if (s.rc[o] != deg[o])
        bad = "quiesce: count differs from in-degree";
    } else if (s.st[o] != FREE) { // must be in or held by a cycle: follow: find whether reachable from a cycle
      bool cyc = false;
      for (int p = 1; p < N; p++)
        if (s.st[p] != FREE) { // p on a cycle?
          bool v[N] = {0};
          u8 q[N * FF + 1];
          int c = 0;
          for (int f = 0; f < FF; f++)
            if (s.fld[p][f] != 255 && !v[s.fld[p][f]]) {
              v[s.fld[p][f]] = 1;
              q[c++] = s.fld[p][f];
            }
          for (int i = 0; i < c; i++)
            for (int f = 0; f < FF; f++) {
              u8 y = s.fld[q[i]][f];
              if (y != 255 && !v[y]) {
                v[y] = 1;
                q[c++] = y;
              }
            }
          if (v[p] && (p == o || v[o]))
            cyc = true;
        }
      if (!cyc)
        bad = "quiesce: acyclic garbage kept";
      else if (s.rc[o] != deg[o])
        bad = "quiesce: garbage cycle count wrong";
    }
  }
}
int main() {
  HS seen(24);
  S i;
  memset(&i, 0, sizeof i);
  memset(i.fld, 255, sizeof i.fld);
  i.st[0] = CNT;
  i.rc[0] = 1;
  for (int t = 0; t < T; t++) {
    memset(i.t[t].loc, 255, L);
    idle(i.t[t]);
  }
  i.cx = 255;
  memset(i.wt, 255, W);
  i.dropped = 0;
#ifdef START // a garbage cycle: o2 refers to o1, which refers to o2, with -DEPH by its hidden field; weak cells on them
  i.st[1] = i.st[2] = CNT;
  i.rc[1] = i.rc[2] = 1;
  i.fld[1][FF - 1] = 2;
  i.fld[2][0] = 1;
  for (int w = 0; w < W; w++) {
    i.wst[w] = 2;
    i.wcool[w] = 1;
    i.wt[w] = w + 1;
  }
#endif
  memset(i.ctmp, 255, F);
  i.cpc = C_REQ;
  struct Fr {
    S s;
    std::vector<std::pair<S, std::string>> ch;
    size_t k;
    std::string lbl;
  };
  std::vector<Fr> st;
  u64 states = 0;
  auto push = [&](const S &s, const std::string &l) {
    Fr f;
    f.s = s;
    f.k = 0;
    f.lbl = l;
    st.push_back(std::move(f));
  };
  auto report = [&](const char *why, const std::string &last) {
    printf("VIOLATION: %s\n", why);
    for (auto &f : st)
      printf("  %s\n", f.lbl.c_str());
    printf("  %s   <==\n", last.c_str());
    printf("states %llu\n", (unsigned long long)seen.n);
    exit(1);
  };
  seen.add(hs(i));
  push(i, "init");
  while (!st.empty()) {
    Fr &f = st.back();
    if (f.k == 0 && f.ch.empty()) {
      states++;
      size_t cnt = 0;
      succ(f.s, [&](const S &n, const char *l) {
        if (bad) {
          const char *w = bad;
          bad = nullptr;
          report(w, l);
        }
        cnt++;
        if (seen.add(hs(n)))
          f.ch.push_back({n, l});
      });
      bool allidle = true;
      for (int t = 0; t < T; t++)
        if (f.s.t[t].pc != M_IDLE)
          allidle = false;
      if (allidle && f.s.cpc == C_REQ) {
        quiesce(f.s);
        if (bad) {
          const char *w = bad;
          bad = nullptr;
          report(w, "(quiesced)");
        }
      }
      if ((states & 0x3fffff) == 0) {
        fprintf(stderr, "%llu M states, depth %zu\n", (unsigned long long)states >> 20, st.size());
      }
    }
    if (f.k < f.ch.size()) {
      auto c = f.ch[f.k++];
      push(c.first, c.second);
    } else
      st.pop_back();
  }
  printf("OK: %zu states, T=%d N=%d F=%d L=%d OPS=%d EPOCHS=%d\n", seen.n, T, N, F, L, OPS, EPOCHS);
}
