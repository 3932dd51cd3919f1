# Bad input ends in one clear line and a status above 0, not in a crash.
#   must_fail(<what> <regex of the line> [argument...])
# runs PROGRAM. MUST_FAIL_INPUT: a file for its standard input; then nothing may be printed. MUST_FAIL_STATUS: the status it
# must have.
function(must_fail what expected)
  set(input)
  if(MUST_FAIL_INPUT)
    set(input INPUT_FILE ${MUST_FAIL_INPUT})
  endif()
  execute_process(COMMAND ${PROGRAM} ${ARGN} ${input} RESULT_VARIABLE status OUTPUT_VARIABLE printed
                  ERROR_VARIABLE said TIMEOUT 60)
  string(REGEX MATCHALL "\n" newlines "${said}")
  list(LENGTH newlines count)
  if(NOT status MATCHES "^[0-9]+$" OR status EQUAL 0 OR status GREATER 127)
    message(FATAL_ERROR "${what}: status ${status}\n${said}")
  endif()
  if(MUST_FAIL_STATUS AND NOT status EQUAL MUST_FAIL_STATUS)
    message(FATAL_ERROR "${what}: status ${status}, expected ${MUST_FAIL_STATUS}\n${said}")
  endif()
  if(MUST_FAIL_INPUT AND printed)
    message(FATAL_ERROR "${what}: printed ${printed}")
  endif()
  if(NOT said MATCHES "${expected}" OR count GREATER 2)  # CLI11 adds a line that names --help
    message(FATAL_ERROR "${what}: expected one line with \"${expected}\", got\n${said}")
  endif()
endfunction()
