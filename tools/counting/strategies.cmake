# The strategies, and the macros that choose each of them when a source is compiled with it (see count.h):
# name | number | title | header | macros.
set(counting_table
    "plain|1|plain counts|plain|"
    "gil|2|plain counts under one global lock|gil|"
    "locks|3|a lock in each object|locks|"
    "atomic|4|atomic counts|atomic|"
    "atomic_sc|4|atomic counts, sequentially consistent|atomic|COUNT_SEQ_CST"
    "plain_big|5|plain counts, permanent: a large count|plain|COUNT_PERMANENT_BIG"
    "plain_bit|5|plain counts, permanent: a bit|plain|COUNT_PERMANENT_BIT"
    "atomic_big|5|atomic counts, permanent: a large count|atomic|COUNT_PERMANENT_BIG"
    "atomic_bit|5|atomic counts, permanent: a bit|atomic|COUNT_PERMANENT_BIT"
    "biased|6|a local and a shared count|biased|"
    "split_cas|7|split counts, compare-and-swap|split|COUNT_SPLIT_CAS"
    "split_barrier|7|split counts, barrier|split|COUNT_SPLIT_BARRIER"
    "eddy_log|8|Eddy: each retain and release logged|eddy|COUNT_EDDY_LOG"
    "eddy_pin|8|Eddy: retain and release as pins|eddy|COUNT_EDDY_PIN"
    "eddy|8|Eddy: the barrier, nothing for the stack|eddy|"
    "naive|6|two counts, unsound|naive|"
    "census|1|plain counts that are counted|census|")

set(COUNTING_STRATEGIES)
foreach(row IN LISTS counting_table)
  string(REGEX REPLACE "\\|.*" "" name ${row})
  if(NOT name MATCHES "naive|census")
    list(APPEND COUNTING_STRATEGIES ${name})
  endif()
endforeach()

function(counting_definitions strategy result)
  foreach(row IN LISTS counting_table)
    if(row MATCHES "^${strategy}\\|([0-9])\\|([^|]*)\\|([a-z]*)\\|(.*)$")
      set(${result} COUNT_NAME=${strategy} "COUNT_NUMBER=\"${CMAKE_MATCH_1}\"" "COUNT_TITLE=\"${CMAKE_MATCH_2}\""
          "COUNT_STRATEGY=\"strategies/${CMAKE_MATCH_3}.h\"" ${CMAKE_MATCH_4} PARENT_SCOPE)
    endif()
  endforeach()
endfunction()
